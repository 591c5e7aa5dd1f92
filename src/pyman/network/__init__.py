"""Verified bytes from an address: the client, downloads that go on, what is new, the cache.

Knows no build, and is the only package that uses httpx. Begin with `download`.
"""
