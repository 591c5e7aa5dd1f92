"""The release index of the build project, understood: which builds it names, by the rules of the metadata.

    index ─read→ records ─parse→ artifacts ─settle digests, apply rules, choose the best→ builds ─render→ file
    PyPy, GraalPy ─parse→ artifacts ─┘

One code for both who read it: `pyman.metadata_fetcher`, which makes the bundled file, and `pyman refresh`.
"""
