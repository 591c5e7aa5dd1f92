"""The portable pyman: pyman with an interpreter of its own, in one folder.

    pyman/bin/pyman       the launcher
    pyman/python/         a slimmed interpreter, which is nobody's but pyman's
    pyman/portable.json   what this is, what it was made of, and the name of each file
    pyman/receipt.json    which archive it was installed from, written when it was put in its place

This package knows where that folder is, puts another in its place and removes it; `pyman.bootstrap` makes it.
It never removes a file in it that is not pyman's. Begin with `whereabouts`.
"""
