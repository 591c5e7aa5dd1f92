"""What an installation consists of, as CycloneDX JSON. Changes nothing.

Begin with `bill`.
"""
