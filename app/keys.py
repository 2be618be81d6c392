"""Single keys pressed at the terminal, without Enter. Does nothing where standard input is no terminal."""

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

_POLL = 0.2  # seconds; also how long leaving may take
_LONGEST_PASTE = 4096  # bytes, what a terminal holds
_FIRST_OF_TWO = "\x00\xe0"  # with these Windows begins what is no character, such as Insert


class Keys:
    """Calls `actions[key]` on a thread of its own when a key is pressed. Use as a context manager.

    Ctrl-C goes on to work as ever; the terminal is as before afterwards. In the background it is let be. What is no
    single key (F3, which sends several characters, or a pasted text) does nothing.
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
        before = None
        try:
            while not self._leaving.is_set():
                if not _is_ours(terminal):
                    self._leaving.wait(_POLL)
                    continue
                modes = termios.tcgetattr(terminal)
                before = before or modes
                if modes[3] & (termios.ICANON | termios.ECHO):  # also when a shell has set it back meanwhile
                    tty.setcbreak(terminal, termios.TCSANOW)
                if not select.select([terminal], [], [], _POLL)[0] or not _is_ours(terminal):
                    continue
                pressed = os.read(terminal, _LONGEST_PASTE)
                if not pressed:
                    return  # the terminal has gone
                key = pressed.decode(errors="ignore")
                if len(key) == 1:
                    self._press(key)
        except (OSError, termios.error) as error:
            logger.info("keys are not read any more: %s", error)
        finally:
            if before is not None and _is_ours(terminal):
                with contextlib.suppress(termios.error):
                    termios.tcsetattr(terminal, termios.TCSANOW, before)

    def _read_windows(self) -> None:
        import msvcrt

        while not self._leaving.wait(_POLL):
            while msvcrt.kbhit():
                key = msvcrt.getwch()
                if key in _FIRST_OF_TWO:
                    msvcrt.getwch()
                else:
                    self._press(key)


def _is_ours(terminal: int) -> bool:
    """Whether we may touch it: the system stops a job in the background that does."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # it controls no jobs of this session
        return True
