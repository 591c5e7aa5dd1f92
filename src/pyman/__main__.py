"""`python -m pyman` is `pyman`."""

from pyman.cli import main

main()
