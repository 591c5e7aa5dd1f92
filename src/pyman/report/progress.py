"""Progress bars on a terminal: size, speed and time left. The only user of rich."""

from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from pyman.builds.key import Key
from pyman.errors import PymanError
from pyman.report.plain_lines import Lines
from pyman.store.installations import Installation


class Bars:
    """Tells how an install goes in one bar a build; a context manager that owns the terminal's last lines."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[Key, TaskID] = {}
        self._lines = Lines()
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def waiting(self, key: Key, owner: str) -> None:
        self._lines.waiting(key, owner)

    def downloading(self, key: Key, size: int | None) -> None:
        self._forget(key)
        with self._lock:
            self._tasks[key] = self._progress.add_task(key.build_name, total=size)

    def reading_cache(self, key: Key, size: int | None) -> None:
        self.downloading(key, size)

    def received(self, key: Key, count: int) -> None:
        self._progress.advance(self._tasks[key], count)

    def fetched(self, key: Key) -> None:
        self._forget(key)

    def testing(self, key: Key, seconds: float) -> None:
        self._lines.testing(key, seconds)

    def failed(self, key: Key, error: PymanError, *, final: bool) -> None:
        self._forget(key)
        self._lines.failed(key, error, final=final)

    def does_not_run(self, error: PymanError, following: Key) -> None:
        self._lines.does_not_run(error, following)

    def warned(self, text: str) -> None:
        self._lines.warned(text)

    def installed(self, installation: Installation, seconds: float) -> None:
        self._forget(installation.key)
        self._lines.installed(installation, seconds)

    def already(self, installation: Installation) -> None:
        self._lines.already(installation)

    def _forget(self, key: Key) -> None:
        with self._lock:
            task = self._tasks.pop(key, None)
        if task is not None:
            self._progress.remove_task(task)
