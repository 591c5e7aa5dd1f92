"""What is outdated, superseded, known to be bad or vulnerable, and what of the cache can go.

Changes nothing. Begin with `conditions`.
"""
