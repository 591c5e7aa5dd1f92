"""Progress bars on a terminal: size, speed and time left. The only user of rich."""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import cached_property
from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column, Table
from rich.text import Text

from pyman.builds.key import Key
from pyman.errors import PymanError
from pyman.report import ui
from pyman.report.plain_lines import Lines
from pyman.store.installations import Installation

_WIDE_ENOUGH = 80  # columns, for all that is worth knowing


class _Progress(Progress):
    """Shows each bar in one line, however narrow the terminal is or becomes meanwhile."""

    def __init__(self, terminal: Console) -> None:
        self._terminal = terminal  # first: a table is made while the base class is
        super().__init__(console=terminal, transient=True)

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        self.columns = self._wide if self._terminal.width >= _WIDE_ENOUGH else self._narrow
        return super().make_tasks_table(tasks)

    @cached_property
    def _wide(self) -> tuple[ProgressColumn, ...]:
        name, bar, _ = self._narrow
        return name, bar, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()

    @cached_property
    def _narrow(self) -> tuple[ProgressColumn, ...]:
        name = TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis"))
        share = TaskProgressColumn(table_column=Column(no_wrap=True))
        return name, BarColumn(bar_width=None), share


class Bars:
    """Tells how an install goes in one bar a build; a context manager that owns the terminal's last lines.

    All that is said meanwhile is printed above them.
    """

    def __init__(self) -> None:
        self._progress = _Progress(Console(stderr=True))
        self._tasks: dict[Key, TaskID] = {}
        self._lines = Lines()
        self._lock = Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._progress.start()
        self._stack.enter_context(ui.spoken_by(self._say))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._progress.stop()

    def _say(self, text: str) -> None:
        """Print above the bars. The terminal breaks what is too long, so that it can be copied whole."""
        self._progress.console.print(Text.from_ansi(text), soft_wrap=True, highlight=False)

    def waiting(self, key: Key, owner: str) -> None:
        self._lines.waiting(key, owner)

    def downloading(self, key: Key, size: int | None) -> None:
        self._forget(key)
        with self._lock:
            self._tasks[key] = self._progress.add_task(key.build_name, total=size)

    def reading(self, key: Key, size: int | None, source: str) -> None:
        del source
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
