"""An archive into a tree, safely, whatever is in it: tar, zip, decompression, member names, bounds.

Fetches nothing, and knows no build. Begin with `unpack`.
"""
