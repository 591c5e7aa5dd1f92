"""Start a command as another user, or as a root without some of its powers: what util-linux's setpriv does.

That of busybox cannot, so this Python does it by itself.
"""

import ctypes
import os
import sys
from collections.abc import Iterable

# The numbers are those of linux/capability.h and linux/prctl.h.
READING, WRITING = 2, 1  # CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE
_DROP = 24  # PR_CAPBSET_DROP
_KEEP = 8  # PR_SET_KEEPCAPS
_VERSION = 0x2008_0522  # _LINUX_CAPABILITY_VERSION_3: two times effective, permitted and inheritable


def user(number: int, groups: Iterable[int]) -> tuple[str, ...]:
    """Return the start of a command line that is run as that user, in the group of the same number."""
    return (sys.executable, "-I", __file__, str(number), ",".join(map(str, groups)), "")


def without(*capabilities: int) -> tuple[str, ...]:
    """Return the start of a command line that is run as root, which has not these capabilities."""
    return (sys.executable, "-I", __file__, "", "", ",".join(map(str, capabilities)))


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library; what it refuses is an OSError."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), name)


def _lose(capabilities: list[int]) -> None:
    """Let what is executed next not have them; neither by inheritance."""
    for capability in capabilities:
        _call("prctl", _DROP, capability, 0, 0, 0)
    head, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    _call("capget", head, sets)
    for capability in capabilities:
        sets[2 + 3 * (capability // 32)] &= ~(1 << capability % 32)
    _call("capset", head, sets)


def _change(number: int, groups: list[int]) -> None:
    """Become that user, with all powers until the command is executed: it may lie where only root looks."""
    _call("prctl", _KEEP, 1, 0, 0, 0)
    os.setgroups(groups)
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)
    head, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    _call("capget", head, sets)
    sets[0], sets[3] = sets[1], sets[4]
    _call("capset", head, sets)


def main(number: str, groups: str, lost: str, *command: str) -> None:
    """Become that and then the command."""
    if lost:
        _lose([int(each) for each in lost.split(",")])
    if number:
        _change(int(number), [int(each) for each in groups.split(",")])
    os.execvp(command[0], command)  # noqa: S606 - that is what it is for


if __name__ == "__main__":
    main(*sys.argv[1:])
