"""A mirror: a folder in the release layout, which any static server serves, filled, checked and added to.

Begin with `sync`.
"""
