"""How fast pyman is beside its rivals and its limits: `python -m tests.benchmarks --help`."""
