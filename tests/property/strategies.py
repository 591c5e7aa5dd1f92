"""Values for the laws: versions, variants, targets and keys as they may occur."""

from hypothesis import strategies as st

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import Arch, Libc, Os, Target
from pyman.builds.version import Stage, Version

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
_dates = st.integers(min_value=20190101, max_value=20991231).map(str)
_own_versions = st.lists(_numbers.map(str), min_size=2, max_size=4).map(".".join)
_others = st.sampled_from([each for each in Implementation if each is not Implementation.CPYTHON])
keys = st.builds(Key, st.just(Implementation.CPYTHON), versions, variants, _dates, targets) | st.builds(
    Key, _others, versions, variants, _own_versions | _dates, targets
)
