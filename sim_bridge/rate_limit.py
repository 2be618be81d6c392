"""Log messages that a hostile or broken client can provoke: at most one a second of each kind."""

import logging
import threading
import time


class RateLimitedLogger:
    """Logs the first message of a kind in a second; the next one that is logged counts those that were not."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}

    def warning(self, kind: str, message: str, *arguments: object) -> None:
        """Log a warning of a kind; kinds are few and fixed, never made from what a client sent."""
        self._log(logging.WARNING, kind, message, arguments, None)

    def error(self, kind: str, message: str, *arguments: object, exc_info: BaseException | None = None) -> None:
        """Log an error of a kind."""
        self._log(logging.ERROR, kind, message, arguments, exc_info)

    def _log(
        self, level: int, kind: str, message: str, arguments: tuple[object, ...], exc_info: BaseException | None
    ) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._last.get(kind, -1.0) < 1.0:
                self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
                return
            self._last[kind] = now
            suppressed = self._suppressed.pop(kind, 0)
        if suppressed:
            message += " (and %d more of this kind since the last such line)"
            arguments = (*arguments, suppressed)
        self._logger.log(level, message, *arguments, exc_info=exc_info)
