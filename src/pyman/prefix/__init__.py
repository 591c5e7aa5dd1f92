"""A prefix: an exact directory, outside of any store, with a Python that pyman has put into it.

Owns what is changed there, and the record by which it is found again; touches nothing that is not in one.
Begin with `prefix`, then `into_prefix`.
"""
