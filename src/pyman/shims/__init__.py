"""Shims: scripts called `python` and the like, which start the Python that is meant where they are called.

Begin with `shims_folder`; what a shim does stands in `shim.sh`.
"""
