"""Virtual environments: which of a store each uses, and where the tools that make them keep them.

Removes none. Begin with `entrances` and `in_use`.
"""
