"""Single keys pressed at the terminal, without Enter. Does nothing where standard input is not a terminal."""

import contextlib
import importlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2  # also the longest that leaving takes
MAX_PASTE = 4096  # bytes, as much as a terminal buffers
PREFIXES = "\x00\xe0"  # Windows begins keys that are not characters, such as Insert, with one of these


class Keys:
    """Calls `actions[key]` on a thread of its own when a key is pressed. Use as a context manager.

    Ctrl-C keeps working, and the terminal's modes are restored at the end. In the background the terminal is left
    alone. Input that is not a single key (F3, which sends several characters, or pasted text) is ignored.
    """

    def __init__(self, actions: Mapping[str, Callable[[], object]]) -> None:
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
            self._thread.join(5 * POLL_SECONDS)

    def _press(self, key: str) -> None:
        action = self._actions.get(key.lower())
        if action is not None:
            try:
                action()
            except Exception:
                logger.exception("the key %r failed", key)

    def _read_windows(self) -> None:
        msvcrt: Any = importlib.import_module("msvcrt")  # has no types elsewhere than on Windows
        while not self._leaving.wait(POLL_SECONDS):
            while msvcrt.kbhit():
                key = msvcrt.getwch()
                if key in PREFIXES:
                    msvcrt.getwch()
                else:
                    self._press(key)

    def _read_posix(self) -> None:
        import select
        import termios
        import tty

        terminal = sys.stdin.fileno()
        original = None
        try:
            while not self._leaving.is_set():
                if not _in_foreground(terminal):
                    self._leaving.wait(POLL_SECONDS)
                    continue
                modes = termios.tcgetattr(terminal)
                original = original or modes
                if modes[3] & (termios.ICANON | termios.ECHO):  # also when a shell has restored them meanwhile
                    tty.setcbreak(terminal, termios.TCSANOW)
                if not select.select([terminal], [], [], POLL_SECONDS)[0] or not _in_foreground(terminal):
                    continue
                pressed = os.read(terminal, MAX_PASTE)
                if not pressed:
                    return  # the terminal is gone
                key = pressed.decode(errors="ignore")
                if len(key) == 1:
                    self._press(key)
        except (OSError, termios.error) as error:
            logger.info("keys are no longer read: %s", error)
        finally:
            if original is not None and _in_foreground(terminal):
                with contextlib.suppress(termios.error):
                    termios.tcsetattr(terminal, termios.TCSANOW, original)


def _in_foreground(terminal: int) -> bool:
    """Return whether the terminal may be used: the system stops a background job that does."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # it controls no jobs of this session
        return True
