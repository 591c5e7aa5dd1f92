"""One process at a time: locks by name, claims where the file system has none, and who holds one.

Knows no store. Begin with `locks`.
"""
