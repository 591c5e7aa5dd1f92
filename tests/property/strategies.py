"""Values for the laws: versions, variants, targets and keys as they may occur."""

from hypothesis import strategies as st

from pyman.key import Implementation, Key, Variant
from pyman.target import Arch, Libc, Os, Target
from pyman.version import Stage, Version

_numbers = st.integers(min_value=0, max_value=9999)

versions = st.builds(
    lambda major, minor, patch, stage, serial: Version(
        major, minor, patch, stage, serial if stage is not Stage.FINAL else 0
    ),
    _numbers,
    _numbers,
    _numbers,
    st.sampled_from(Stage),
    _numbers,
)
variants = st.builds(Variant, st.booleans(), st.booleans(), st.booleans())
targets = st.builds(
    lambda os, arch, libc, level: Target(
        os, arch, libc if os is Os.LINUX else Libc.NONE, level if arch is Arch.X86_64 else 1
    ),
    st.sampled_from(Os),
    st.sampled_from(Arch),
    st.sampled_from([libc for libc in Libc if libc is not Libc.NONE]),
    st.integers(min_value=1, max_value=4),
)
releases = st.integers(min_value=20190101, max_value=20991231).map(str)
keys = st.builds(Key, st.sampled_from(Implementation), versions, variants, releases, targets)
