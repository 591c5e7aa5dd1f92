"""Which Python a folder's files ask for, remembered so that a shell finds it without starting anything.

Begin with `deciding`; what a shell has to compare is told in `ground`.
"""
