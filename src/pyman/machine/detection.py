"""Which target this machine is, and how that was found out.

On Linux the system's own programs are read, never pyman's Python (it may be static, or of another libc) and
never the list of loaders (a system may have several). What costs time is found out only when it is asked for.
The environment is not read: an override is handed in.
"""

import sys

from pyman.builds.target import Target
from pyman.errors import PymanError
from pyman.machine.verdict import Machine, nothing_built

__all__ = ["Machine", "detect", "machine"]


def machine(override: str | None, platform: str = sys.platform) -> Machine:
    """Return the machine that `override` names, with what was detected if that is this machine.

    Without an override it is this machine. Raises UsageError for an override that is no target.
    """
    if override is None:
        return detect(platform)
    target = Target.parse(override)
    told = {"target": f"--target or PYMAN_TARGET says {override}"}
    try:
        found = detect(platform)
    except PymanError:  # the override is the way out for a machine that cannot be detected
        return Machine(target, told)
    if found.target != target.baseline:
        return Machine(target, told)
    return Machine(target, {**found.evidence, **told}, found.ask_libc_version, found.ask_level)


def detect(platform: str = sys.platform) -> Machine:
    """Return this machine; its target is the baseline, whatever the processor's level.

    Raises NoDownloadFoundError where nothing is built for it, PymanError where it cannot be told.
    """
    # Each start would load the others for nothing.
    if platform == "linux":
        from pyman.machine.linux import linux_machine  # noqa: PLC0415

        return linux_machine()
    if platform == "darwin":
        from pyman.machine.macos import macos_machine  # noqa: PLC0415

        return macos_machine()
    if platform == "win32":
        from pyman.machine.windows import windows_machine  # noqa: PLC0415

        return windows_machine()
    raise nothing_built(platform, f"sys.platform is {platform}")
