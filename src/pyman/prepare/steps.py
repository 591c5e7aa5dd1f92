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
    """Do both of what follows, for a tree that nobody starts meanwhile."""
    prepare_start(staged, final)
    prepare_rest(staged, final, is_external=is_external)


def prepare_start(staged: Installation, final: Path) -> None:
    """Make the unpacked tree start; raises OSError when the system cannot write."""
    launchers.name_interpreter(staged.path, staged.key)
    if staged.key.target.os is Os.MACOS:
        from pyman.prepare import install_name  # noqa: PLC0415 - reading Mach-O is for few

        install_name.settle(staged.path, as_written(final))


def prepare_rest(staged: Installation, final: Path, *, is_external: bool) -> None:
    """Make it say that it is at `final`, and give it all its names. Nothing that a start reads is changed.

    `is_external` marks it as externally managed (PEP 668). Raises OSError when the system cannot write.
    """
    tree, key = staged.path, staged.key
    final = as_written(final)
    stdlib = staged.standard_library
    if key.target.os is not Os.WINDOWS:
        sysconfig_data.settle(tree, stdlib, final, macos=key.target.os is Os.MACOS)
        launchers.settle(tree, stdlib)
        if stdlib and key.implementation is Implementation.CPYTHON:
            venv_module.settle(stdlib, executable_name(key))
    if stdlib and is_external:
        externally_managed.mark(stdlib, key)
