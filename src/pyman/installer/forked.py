"""A forked process that installs one build: it waits for its turn, and tells its parent how it goes."""

import os
import pickle
import signal
import struct
import threading
from collections.abc import Callable
from typing import Any, NoReturn, cast

from pyman.errors import PymanError
from pyman.installer.reporter import Reporter
from pyman.store.installations import Installation
from pyman.system import stopping

Outcome = Installation | PymanError
Work = Callable[[int, int | None, Reporter], tuple[Outcome, bool]]
LENGTH = struct.Struct("=I")  # of what is told, in bytes; that follows
NO_SLOT = 255


class _Teller:
    """The reporter of a process: all that it is told, it tells its parent."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._turn = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **more: self.tell(name, args, more)

    def tell(self, name: str, args: Any, more: Any) -> None:  # noqa: ANN401 - whatever there is to tell
        """Tell one thing, in one piece."""
        data = pickle.dumps((name, args, more))
        view = memoryview(LENGTH.pack(len(data)) + data)
        with self._turn:
            while view:
                view = view[os.write(self._pipe, view) :]


def be_child(number: int, work: Work, turn: int, events: int) -> NoReturn:
    """Wait until it is this process' turn, do the work, and end."""
    code = 1
    try:
        stopping.begin_anew()
        if told := os.read(turn, 1):
            threading.Thread(target=_end_with_parent, args=(turn,), daemon=True).start()
            _do(number, None if told[0] == NO_SLOT else told[0], work, _Teller(events))
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except KeyboardInterrupt:
        code = stopping.INTERRUPTED
    except BaseException:  # noqa: BLE001, S110 - its parent sees that nothing came of it
        pass
    finally:
        os._exit(code)


def _do(number: int, slot: int | None, work: Work, teller: "_Teller") -> None:
    outcome: Outcome | None = None
    fault, is_clean = "", False
    try:
        outcome, is_clean = work(number, slot, cast("Reporter", teller))
    except Exception as error:  # noqa: BLE001 - raised in the parent
        fault = f"{type(error).__name__}: {error}"
    teller.tell("outcome", (outcome, fault, is_clean), {})


def _end_with_parent(turn: int) -> None:
    """Clean up and end when the parent is gone, or wants that."""
    os.read(turn, 1)
    os.kill(os.getpid(), signal.SIGTERM)
