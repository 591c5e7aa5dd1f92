"""Archives, metadata and a lock in one file, to be carried to where there is no network.

Begin with `making`; `bundle_form` tells what such a file is.
"""
