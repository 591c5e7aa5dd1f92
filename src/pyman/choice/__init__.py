"""Which build a request gets, why, and why not the others; the plan of a command.

Downloads nothing. Begin with `select`.
"""
