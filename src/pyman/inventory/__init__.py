"""What an installation consists of: its files by its record, who may change them, and what was changed.

Changes nothing. Begin with `manifest`, then `verification`.
"""
