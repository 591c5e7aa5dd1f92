"""The program that makes `download-metadata.json` from the release index of python-build-standalone.

    index ─read→ records ─parse→ artifacts ─settle digests, apply rules, choose the best→ builds ─render→ file
    PyPy, GraalPy ─parse→ artifacts ─┘

A program of its own, `python -m pyman.metadata_fetcher`: the rest of pyman never imports it.
"""
