"""`--discovery pyman`: virtualenv takes pyman's Pythons, and installs what is missing if that is wished.

For each spec, in the order in which virtualenv has them: what is to be tried first, what pyman has installed,
what virtualenv finds by itself, what can be installed. Nothing is printed here. What the user should know is
logged, as virtualenv and tox do with their own, so that their `--verbose` and `--quiet` count.
"""

import logging
import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from virtualenv.discovery.builtin import Builtin, get_interpreter
from virtualenv.discovery.discover import Discover
from virtualenv.discovery.py_info import PythonInfo
from virtualenv.discovery.py_spec import PythonSpec

from pyman.config import layers
from pyman.config.known import is_on
from pyman.discovery.finder import Here, installed
from pyman.errors import PymanError
from pyman.machine import detection
from pyman.plugin.spec_request import in_own_words, request_of
from pyman.requests.request import Request
from pyman.requests.spelling import spelled
from pyman.store.installations import user_store
from pyman.system.userdirs import current_dir

_SETTINGS = "PYMAN_"
_log = logging.getLogger("pyman")


class Pyman(Discover):  # type: ignore[misc] # virtualenv has no types
    """The discovery. Its options, the cache of what interpreters said, and all it cannot do are Builtin's."""

    def __init__(self, options: Any) -> None:  # noqa: ANN401 - virtualenv's
        super().__init__(options)
        self._builtin = Builtin(options)
        given = options.env if options.env is not None else os.environ
        self._environ = given
        # What tox hands over lacks most of its own variables, but has those that its settings add.
        own = {name: value for name, value in given.items() if name.startswith(_SETTINGS)}
        self._settings: dict[str, str] = {**os.environ, **own}

    @classmethod
    def add_parser_arguments(cls, parser: ArgumentParser) -> None:
        """Take the options that virtualenv's own discovery takes: `--python`, `--try-first-with`."""
        Builtin.add_parser_arguments(parser)

    def __repr__(self) -> str:
        specs = self._builtin.python_spec
        return f"{type(self).__name__} discover of python_spec={specs[0] if len(specs) == 1 else specs!r}"

    def run(self) -> Any:  # noqa: ANN401 - virtualenv's PythonInfo
        """Return the first interpreter that a spec matches; None, and a word on it, where none does."""
        missing = []
        for text in self._builtin.python_spec:
            spec = PythonSpec.from_string_spec(text)
            # As virtualenv reads it, where that must agree, and as pyman does.
            both = (request_of(spec), spec), (in_own_words(spec), None)
            readings = [(request, agreeing) for request, agreeing in both if request]
            found = self._found(text, spec, readings)
            if found is not None:
                return found
            missing += [request for request, _ in readings[-1:]]
        if missing and not self._installs:
            words = f"`pyman install {spelled(missing[0])}` or PYMAN_AUTO_INSTALL=1 brings it"
            _log.warning("pyman: %s is not installed; %s", spelled(missing[0]), words)
        return None

    def _found(self, text: str, spec: Any, readings: list[tuple[Request, Any]]) -> Any:  # noqa: ANN401
        """What is found for a spec that is read so: what has to be installed is what the last one says."""
        found = self._first_of_all(spec) if readings else None
        for reading in readings:
            found = found or self._managed(*reading)
        found = found or self._by_itself(text)
        return found or (self._just_installed(*readings[-1]) if readings else None)

    def _first_of_all(self, spec: Any) -> Any:  # noqa: ANN401 - virtualenv's
        """One of those that `--try-first-with` names."""
        for path in self._builtin.try_first_with:
            if os.path.lexists(path):
                found = PythonInfo.from_exe(
                    str(Path(path).absolute()),
                    self._builtin.app_data,
                    raise_on_error=False,
                    env=self._environ,
                )
                if found and found.satisfies(spec, impl_must_match=True):
                    return found
        return None

    def _by_itself(self, text: str) -> Any:  # noqa: ANN401 - virtualenv's
        """What virtualenv finds."""
        first = self._builtin.try_first_with
        return get_interpreter(text, first, app_data=self._builtin.app_data, env=self._environ)

    def _managed(self, request: Request, spec: Any) -> Any:  # noqa: ANN401 - virtualenv's
        """What pyman has installed, by the minor link: the environment follows when it moves.

        Without a spec it is enough that pyman takes it for what is asked for.
        """
        try:
            path = self._path(request)
        except PymanError as error:
            _log.warning("pyman: %s. %s", error.message, error.hint)
            return None
        if not path:
            return None
        found = get_interpreter(path, (), app_data=self._builtin.app_data, env=self._environ)
        fits = found is not None and (spec is None or found.satisfies(spec, impl_must_match=True))
        _log.info("pyman: %s %s %s", path, "is" if fits else "is not", spec.str_spec if spec else request)
        return found if fits else None

    def _path(self, request: Request) -> str | None:
        environ = layers.environ(self._settings, lambda text: _log.warning("pyman: %s", text))
        machine = detection.machine(environ.get("PYMAN_TARGET") or None)
        place = Here(user_store(environ), machine, environ, current_dir(), project=False)
        found = installed(request, place, foreign=False)
        return str(found.path) if found else None

    @property
    def _installs(self) -> bool:
        try:
            return is_on(layers.environ(self._settings).get("PYMAN_AUTO_INSTALL", ""))
        except PymanError:  # a fault in a file of settings, which has been told
            return False

    def _just_installed(self, request: Request, spec: Any) -> Any:  # noqa: ANN401 - virtualenv's
        """What is missing, installed now if that is wished; None, and what pyman says, if that fails."""
        if not self._installs:
            return None
        _log.warning("pyman: installing %s", spelled(request))
        # By a process of its own: what an install loads and how it is stopped are not virtualenv's affair.
        # -P: what lies in the current folder is not taken for pyman.
        done = subprocess.run(  # noqa: S603 - pyman itself
            [sys.executable, "-P", "-m", "pyman", "install", "--no-bin", "--quiet", spelled(request)],
            env=self._settings,
            input="",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        for line in done.stderr.splitlines():
            _log.warning("pyman: %s", line)
        return self._managed(request, spec) if done.returncode == 0 else None
