"""Which builds there are: the metadata, where they come from, and what is known of their versions.

Forms (pyman's own and uv's), what is bundled, learned and given, a build's sources, advisories, known
vulnerabilities, life cycles. Chooses nothing and changes nothing. Begin with `build` and `origins`.
"""
