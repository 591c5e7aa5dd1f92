"""The release index of the build project, understood: which builds it names, by the rules of the metadata.

    index ─read→ records ─parse→ artifacts ─settle digests, apply rules, choose the best→ builds ─render→ file
    PyPy, GraalPy ─parse→ artifacts ─┘

One code for `pyman.metadata_fetcher`, which makes the bundled file, and for `pyman refresh`. Writes
nothing but that file. Begin with `artifact` and `rules`.
"""
