"""Exact builds in a file: how a lock is read, made and written, and what it says here.

Begin with `lock`.
"""
