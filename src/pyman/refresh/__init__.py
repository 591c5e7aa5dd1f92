"""Builds that are newer than this pyman: asked for, compared with what is known, and kept.

Only adds. Begin with `refresh`; `occasions` tells when that is done unasked.
"""
