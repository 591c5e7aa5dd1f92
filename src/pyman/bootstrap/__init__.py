"""Makes pyman for machines that have no Python: the portable pyman, `pyman.pyz` and `install.sh`.

A program of its own, `python -m pyman.bootstrap`, which nothing imports. It takes an interpreter from the
metadata, wheels from the package index and pyman from the package that runs, and writes into one folder.
Begin with `release.make`.
"""
