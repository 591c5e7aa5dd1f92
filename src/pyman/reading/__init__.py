"""The reading side of an install: fetched, hashed, kept and inflated, here or in a process of its own.

Where there is such a process (`lanes`), it loads what speaks to the network while the command loads the rest,
and shares no interpreter's lock with who writes files. It never touches a store. Begin with `source`; the two
ways are `in_threads` and `in_process`, and `chosen` chooses.
"""
