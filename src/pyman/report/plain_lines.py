"""Tells how an install goes in plain lines, or not at all."""

from pyman.builds.key import Key
from pyman.errors import PymanError
from pyman.report import ui
from pyman.slimming.ledger import Ledger
from pyman.store.installations import Installation


class Lines:
    """Tells how an install goes in single lines, as a build log wants them."""

    def waiting(self, key: Key, owner: str) -> None:
        ui.note(f"Waiting for {owner} that is installing {key}")

    def downloading(self, key: Key, size: int | None) -> None:
        ui.note(f"Downloading {key}{_in_brackets(size)}")

    def reading(self, key: Key, size: int | None, source: str) -> None:
        ui.note(f"Installing {key} from {source}{_in_brackets(size)}")

    def received(self, key: Key, count: int) -> None:
        pass

    def fetched(self, key: Key) -> None:
        """It has come into a mirror."""

    def testing(self, key: Key, seconds: float) -> None:
        ui.note(f"Testing whether {key} runs takes long; it is given up after {seconds:.0f} s")

    def failed(self, key: Key, error: PymanError, *, final: bool) -> None:
        if not final:
            ui.warning(f"{error.message}; trying the next source for {key}")

    def does_not_run(self, error: PymanError, following: Key) -> None:
        ui.warning(f"{error.message}; trying {following} instead")

    def left_out(self, key: Key, ledger: Ledger) -> None:
        parts = sorted(ledger.parts.items(), key=lambda row: -row[1])
        each = ", ".join(f"{name} {ui.size(size)}" for name, size in parts) or "it has none of these parts"
        ui.note(f"Leaving out of {key}: {each} ({ui.size(ledger.before)} become {ui.size(ledger.after)})")

    def warned(self, text: str) -> None:
        ui.warning(text)

    def installed(self, installation: Installation, seconds: float) -> None:
        ui.note(f"Installed {installation.key} in {seconds:.1f} s")

    def already(self, installation: Installation) -> None:
        ui.note(f"Already installed: {installation.key}")


class Silence(Lines):
    """Tells nothing but warnings."""

    def waiting(self, key: Key, owner: str) -> None:
        pass

    def downloading(self, key: Key, size: int | None) -> None:
        pass

    def reading(self, key: Key, size: int | None, source: str) -> None:
        pass

    def testing(self, key: Key, seconds: float) -> None:
        pass

    def left_out(self, key: Key, ledger: Ledger) -> None:
        pass

    def installed(self, installation: Installation, seconds: float) -> None:
        pass

    def already(self, installation: Installation) -> None:
        pass


def _in_brackets(count: int | None) -> str:
    return "" if count is None else f" ({ui.size(count)})"
