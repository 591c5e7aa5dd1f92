"""Where in a text it is no TOML: tomllib says so at the end of its message, and nowhere else."""

import re

_AT = re.compile(r"\(at line ([0-9]+), column [0-9]+\)")


def place_of(error: Exception, text: str) -> tuple[int, str]:
    """Return the line at which `text` is no TOML, by the error of tomllib, and what is wrong there.

    It is the last line where the error does not say.
    """
    found = _AT.search(str(error))
    line = int(found[1]) if found else max(1, len(text.splitlines()))
    return line, _AT.sub("", str(error)).strip()
