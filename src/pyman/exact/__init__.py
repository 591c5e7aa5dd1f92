"""Exact builds on the command line: what commands share that know a lock, or what was brought along.

Begin with `asked`.
"""
