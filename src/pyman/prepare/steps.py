"""Finishes an unpacked tree, in staging but with its final path known, so that it works like one built there.

Nothing of it is run here: a tree for another machine is finished as well.
"""

from pathlib import Path

from pyman.builds.key import Implementation
from pyman.builds.target import Os
from pyman.prepare import externally_managed, launchers, sysconfig_data, venv_module
from pyman.prepare.rewriting import as_written
from pyman.store.installations import Installation, executable_name


def prepare(staged: Installation, final: Path, *, is_external: bool) -> None:
    """Make the unpacked tree say that it is at `final`, and give it all its names.

    `is_external` marks it as externally managed (PEP 668). Raises OSError when the system cannot write.
    """
    tree, key = staged.path, staged.key
    final = as_written(final)
    stdlib = staged.standard_library
    macos = key.target.os is Os.MACOS
    launchers.name_interpreter(tree, key)
    if key.target.os is not Os.WINDOWS:
        sysconfig_data.settle(tree, stdlib, final, macos=macos)
        launchers.settle(tree, stdlib)
        if stdlib and key.implementation is Implementation.CPYTHON:
            venv_module.settle(stdlib, executable_name(key))
    if macos:
        from pyman.prepare import install_name  # noqa: PLC0415 - reading Mach-O is for few

        install_name.settle(tree, final)
    if stdlib and is_external:
        externally_managed.mark(stdlib, key)
