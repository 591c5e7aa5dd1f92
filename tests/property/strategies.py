"""Values for the laws: versions, variants, targets and keys as they may occur."""

from typing import Any

from hypothesis import strategies as st

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import Arch, Libc, Os, Target
from pyman.builds.version import Stage, Version
from pyman.requests.request import Request

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


def _request(
    implementation: Implementation,
    version: dict[str, Any],
    variant: Variant,
    release: str,
    target: Target | None,
) -> Request:
    asked = Request(implementation, variant=variant, release=release)._replace(**version)
    return asked.on(target) if target else asked


_bounds = st.sampled_from([">=3.9", "<3.14", "~=3.12", "==3.12.*", "!=3.12.1", ">=3.13.0rc1", "==3.12"])
_ranges = st.lists(_bounds, min_size=1, max_size=3, unique=True).map(",".join)
# Two digits alone are a minor version: 39.
_as_far_as_given = st.tuples(st.integers(0, 3), _numbers, _numbers) | st.tuples(st.integers(0, 9), _numbers)
_given: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    (_as_far_as_given | st.tuples(st.integers(0, 9))).map(lambda numbers: {"numbers": numbers}),
    versions.filter(lambda version: version.is_prerelease).map(lambda version: {"exact": version}),
    st.lists(_ranges, min_size=1, max_size=2, unique=True).map(
        lambda parts: {"specifiers": "||".join(parts)}
    ),
)
_versions_asked = st.builds(
    lambda given, latest, dev: given | {"latest": latest, "dev": dev}, _given, st.booleans(), st.booleans()
)
requests = st.builds(
    _request,
    st.just(Implementation.CPYTHON),
    _versions_asked,
    variants,
    st.just("") | _dates,
    st.none() | targets,
) | st.builds(_request, _others, _versions_asked, variants, st.just("") | _own_versions, st.none() | targets)
