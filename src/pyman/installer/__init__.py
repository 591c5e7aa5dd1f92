"""The sequence of an install and what it is made of: where it goes, the smoke test, bytecode, who is told.

Chooses no build. Begin with `sequence`. (`pyman.install` is the function for other programs.)
"""
