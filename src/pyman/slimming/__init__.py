"""What an image does without: the parts of a Python that can be left out of it, and what stands in for them.

Owns the names of the parts, what belongs to each, and how it is taken out of a staged tree; what of it is
recorded is the store's. Runs nothing of the tree. Begin with `leave_out`.
"""
