"""PATH, start-up files, and which shell it is.

Writes only between its own marks. Begin with `shells`.
"""
