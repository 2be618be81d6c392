"""Log lines that a hostile or broken client can provoke: at most one a second of each kind."""

import logging
import threading
import time


class OncePerSecond:
    """Passes on the first line of a kind in a second; the next one that passes says how many did not."""

    def __init__(self, logger: logging.Logger):
        self._logger = logger
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def warning(self, kind: str, message: str, *arguments: object) -> None:
        """Log a warning of a kind; kinds are few and fixed, never made from what a client sent."""
        self._log(logging.WARNING, kind, message, arguments, None)

    def error(self, kind: str, message: str, *arguments: object, exc_info: BaseException | None = None) -> None:
        """Log an error of a kind."""
        self._log(logging.ERROR, kind, message, arguments, exc_info)

    def _log(self, level: int, kind: str, message: str, arguments: tuple, exc_info: BaseException | None) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._last.get(kind, -1.0) < 1.0:
                self._held_back[kind] = self._held_back.get(kind, 0) + 1
                return
            self._last[kind] = now
            held_back = self._held_back.pop(kind, 0)
        if held_back:
            message += " (and %d more of this kind since the last such line)"
            arguments = (*arguments, held_back)
        self._logger.log(level, message, *arguments, exc_info=exc_info)
