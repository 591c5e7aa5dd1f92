"""The commands: one file each, which reads as its story. Loaded when it is run.

What several of them share is in `pyman.cli`, which also finds them by their names.
"""
