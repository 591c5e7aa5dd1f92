"""The module `ensurepip` of a Python from which its wheels were left out.

`python -m venv` runs ensurepip, and that needs a wheel of pip. pip itself is in such a Python, unpacked: a
wheel is packed from it again whenever one is wanted, in some tenths of a second. It takes the place of the
`__init__.py` of every version that CPython maintains, and so is written for all of them.
"""

SOURCE = '''\
"""Puts pip into an environment. By pyman, which left out the wheels: the installed pip is packed again."""

import argparse
import csv
import io
import os
import subprocess
import sys
import tempfile
import zipfile

__all__ = ["version", "bootstrap"]
_SITE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "site-packages")
_WANTED = ["pip"] if sys.version_info >= (3, 12) else ["setuptools", "pip"]
# What an installer writes about an installation; it is in no wheel.
_OF_INSTALLER = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
_RUN = """
import runpy, sys
sys.path[:0] = {0!r}
sys.argv[1:] = {1!r}
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def _installed():
    """Return the dist-info folders of what is packed, by name."""
    found = {}
    for entry in sorted(os.listdir(_SITE)) if os.path.isdir(_SITE) else []:
        name, dash, rest = entry.partition("-")
        if dash and rest.endswith(".dist-info") and name in _WANTED:
            found[name] = entry
    if "pip" not in found:
        sys.exit(
            "pip is not in this Python: it was left out, or removed. Make the environment with "
            "--without-pip, or reinstall with --keep pip."
        )
    return found


def _is_packed(name, info):
    """Whether an installed file was in the wheel: no script, no bytecode, nothing of the installer's."""
    place, _, last = name.rpartition("/")
    is_inside = not name.startswith("..") and not os.path.isabs(name)
    return is_inside and not name.endswith(".pyc") and not (place == info and last in _OF_INSTALLER)


def _pack(info, folder):
    """Pack what a dist-info folder lists into a wheel, and return its path."""
    path = os.path.join(folder, info[: -len(".dist-info")] + "-py3-none-any.whl")
    with open(os.path.join(_SITE, info, "RECORD"), encoding="utf-8", newline="") as record:
        rows = [row for row in csv.reader(record) if row and _is_packed(row[0], info)]
    listed = io.StringIO()
    csv.writer(listed, lineterminator="\\n").writerows([*rows, (info + "/RECORD", "", "")])
    with zipfile.ZipFile(path, "w", strict_timestamps=False) as wheel:
        for row in rows:
            wheel.write(os.path.join(_SITE, row[0]), row[0])
        wheel.writestr(info + "/RECORD", listed.getvalue())
    return path


def version():
    """Return the version of pip that would be installed."""
    return _installed()["pip"][len("pip-") : -len(".dist-info")]


def bootstrap(
    *, root=None, upgrade=False, user=False, altinstall=False, default_pip=False, verbosity=0
):
    """Install pip into this Python, or below `root`; changes os.environ."""
    _bootstrap(root, upgrade, user, altinstall, default_pip, verbosity)


def _bootstrap(root, upgrade, user, altinstall, default_pip, verbosity):
    if altinstall and default_pip:
        raise ValueError("altinstall and default_pip cannot be had together")
    sys.audit("ensurepip.bootstrap", root)
    _forget_settings()
    if altinstall or not default_pip:  # pip reads which of its names are wanted
        os.environ["ENSUREPIP_OPTIONS"] = "altinstall" if altinstall else "install"
    with tempfile.TemporaryDirectory() as folder:
        wheels = [_pack(info, folder) for info in _installed().values()]
        options = ["install", "--no-cache-dir", "--no-index", "--find-links", folder]
        options += ["--root", root] if root else []
        options += ["--upgrade"] if upgrade else []
        options += ["--user"] if user else []
        options += ["-" + "v" * verbosity] if verbosity else []
        return _pip(options + sorted(_installed()), wheels)


def _pip(arguments, wheels=()):
    """Run pip in a process of its own, which lets go of the wheels."""
    isolated = ["-I"] if sys.flags.isolated else []
    code = _RUN.format(list(wheels), arguments)
    command = [sys.executable, *isolated, "-W", "ignore::DeprecationWarning", "-c", code]
    return subprocess.run(command, check=True).returncode


def _forget_settings():
    """Let no setting of pip's have a say in this."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        del os.environ[name]
    os.environ["PIP_CONFIG_FILE"] = os.devnull


def _uninstall_helper(*, verbosity=0):
    """Take pip away again if it is the one that is installed by this; for the installer of Windows."""
    try:
        import pip
    except ImportError:
        return None
    if pip.__version__ != version():
        print("pip {} is another one, and stays".format(pip.__version__), file=sys.stderr)
        return None
    _forget_settings()
    options = ["-" + "v" * verbosity] if verbosity else []
    return _pip(["uninstall", "-y", "--disable-pip-version-check", *options, *sorted(_installed())])


def _main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m ensurepip")
    parser.add_argument("--version", action="version", version="pip " + version())
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more; up to three times")
    parser.add_argument("-U", "--upgrade", action="store_true", help="also if there is one already")
    parser.add_argument("--user", action="store_true", help="by the user's scheme")
    parser.add_argument("--root", help="below this folder")
    parser.add_argument("--altinstall", action="store_true", help="only the name with the minor version")
    parser.add_argument("--default-pip", action="store_true", help="the name pip as well")
    found = parser.parse_args(argv)
    return _bootstrap(
        found.root, found.upgrade, found.user, found.altinstall, found.default_pip, found.verbose
    )
'''
