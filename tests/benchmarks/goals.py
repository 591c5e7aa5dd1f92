"""What is to be reached: the table has each beside what was measured, and says whether it is met."""

# Of the time that the bytes alone take on the wire.
AT_100_MBIT = 1.10
# Of uv's time for the same.
AT_1_GBIT = 1.25
UNSHAPED_TMPFS = 1.6
DISK = 1.0  # PYMAN_FSYNC=0: as uv, which waits for no disk
DISK_FLUSHED = 1.15
FOUR = 1.2
COLD = 0.8
LIST = 1.3
A_LISTED_BUILD = 1.0  # the full list, by the row
# Of the time that `pyman --version` takes.
SMALL_COMMAND = 1.3
START = 1.15  # of that of `import click`
VERIFY = 1.0  # of that of `sha256sum`
# Of all processes of an install together.
PEAK_MIB = 64
PEAK_OF_LARGE = 1.05  # of the peak of an archive that is a twentieth as large
GROWTH_MS = 3
ENVIRONMENTS_MS = 100
PORTABLE_PACKED_MB = 16
PORTABLE_UNPACKED_MB = 45
