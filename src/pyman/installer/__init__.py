"""The sequence of an install and what it is made of: the smoke test, bytecode, and who is told.

Chooses no build. Begin with `sequence`. (`pyman.install` is the function for other programs.)
"""
