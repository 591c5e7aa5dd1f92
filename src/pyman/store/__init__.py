"""The managed directory: read, changed under locks, its links, records and modes, verified, emptied.

Touches only what pyman can show that it made. Begin with `installations` (read) and `changes` (written).
"""
