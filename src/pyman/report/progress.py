"""Progress bars on a terminal: size, speed and time left. The only user of rich."""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import cached_property
from threading import Event, RLock, Thread
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
from pyman.slimming.ledger import Ledger
from pyman.store.installations import Installation

_WIDE_ENOUGH = 80  # columns, for all that is worth knowing
_PAUSE = 0.1  # seconds between two drawings


class _Progress(Progress):
    """Shows each bar in one line, however narrow the terminal is or becomes meanwhile."""

    def __init__(self, terminal: Console) -> None:
        self._terminal = terminal  # first: a table is made while the base class is
        super().__init__(console=terminal, transient=True, auto_refresh=False)

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

    All that is said meanwhile is printed above them. To print means to go up over the bars, whose number the
    terminal is not asked for: so one thread at a time prints or draws, rich's own locks leave a gap between.
    """

    def __init__(self) -> None:
        self._progress = _Progress(Console(stderr=True))
        self._tasks: dict[Key, TaskID] = {}
        self._lines = Lines()
        self._lock = RLock()
        self._ended = Event()
        self._drawing = Thread(target=self._draw, daemon=True)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._progress.start()
        self._stack.enter_context(ui.spoken_by(self._say))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._ended.set()
        if self._drawing.ident is not None:
            self._drawing.join()
        self._progress.stop()

    def _draw(self) -> None:
        """Show how far it is, again and again."""
        while not self._ended.wait(_PAUSE):
            with self._lock:
                self._progress.refresh()

    def _say(self, text: str) -> None:
        """Print above the bars. The terminal breaks what is too long, so that it can be copied whole."""
        with self._lock:
            self._progress.console.print(Text.from_ansi(text), soft_wrap=True, highlight=False)

    def waiting(self, key: Key, owner: str) -> None:
        self._lines.waiting(key, owner)

    def downloading(self, key: Key, size: int | None) -> None:
        self._forget(key)
        with self._lock:
            if self._drawing.ident is None:  # not before: who installs may fork until then
                self._drawing.start()
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

    def left_out(self, key: Key, ledger: Ledger) -> None:
        self._lines.left_out(key, ledger)

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
