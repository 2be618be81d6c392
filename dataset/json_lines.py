"""Lines of JSON that can be read back, whatever names are in them."""

import json
import re

_ESCAPE = re.compile(r"\\(?:ud[89ab]..\\ud[c-f]..|(ud[89a-f]..)|.)")  # a character of two halves, a half alone, others


def json_line(value: object) -> bytes:
    """Return a line of JSON, newline included. Raises ValueError for numbers that are not finite.

    Bytes of names that are no valid text, which readers refuse, are written as `config.paths.printable` shows them.
    """
    line = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return _ESCAPE.sub(lambda found: rf"\\{found[1]}" if found[1] else found[0], line).encode() + b"\n"
