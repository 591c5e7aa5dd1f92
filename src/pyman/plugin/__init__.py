"""pyman inside virtualenv, and so inside tox, nox and others that make environments by it.

Only virtualenv loads it, by the entry point `virtualenv.discovery`. Begin with `virtualenv_discovery`.
"""
