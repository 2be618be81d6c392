"""Single keys pressed at the terminal, without Enter. Does nothing where standard input is no terminal."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

_POLL = 0.2  # seconds; also how long leaving may take


class Keys:
    """Calls `actions[key]` on a thread of its own when a key is pressed. Use as a context manager.

    Ctrl-C goes on to work as ever; the terminal is as before afterwards.
    """

    def __init__(self, actions: Mapping[str, Callable[[], object]]):
        self._actions = dict(actions)
        self._leaving = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Keys":
        if sys.stdin is not None and sys.stdin.isatty():
            read = self._read_windows if os.name == "nt" else self._read_posix
            self._thread = threading.Thread(target=read, name="keys", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._leaving.set()
        if self._thread is not None:
            self._thread.join(5 * _POLL)

    def _press(self, key: str) -> None:
        action = self._actions.get(key.lower())
        if action is not None:
            try:
                action()
            except Exception:
                logger.exception("the key %r failed", key)

    def _read_posix(self) -> None:
        import select
        import termios
        import tty

        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal, termios.TCSANOW)
            while not self._leaving.is_set():
                if not select.select([terminal], [], [], _POLL)[0]:
                    continue
                pressed = os.read(terminal, 64)
                if not pressed:
                    return  # the terminal has gone
                for key in pressed.decode(errors="ignore"):
                    self._press(key)
        except OSError as error:
            logger.info("keys are not read any more: %s", error)
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, before)

    def _read_windows(self) -> None:
        import msvcrt

        while not self._leaving.wait(_POLL):
            while msvcrt.kbhit():
                self._press(msvcrt.getwch())
