"""What is changed in an unpacked tree so that it works at its final path.

Runs nothing of it. Begin with `steps`.
"""
