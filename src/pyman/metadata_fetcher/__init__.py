"""The program that makes `download-metadata.json` from the release index of python-build-standalone.

It makes the list of known vulnerabilities as well, from public records.

A program of its own, `python -m pyman.metadata_fetcher`: the rest of pyman never imports it. What it reads,
and by which rules, is `pyman.release_index`.
"""
