"""Log messages that a hostile or broken client can provoke: at most one of each kind in some time."""

import logging
import threading
import time
from collections import Counter


class RateLimitedLogger:
    """Logs at most one message of each kind in `seconds`; the next one states how many were suppressed."""

    def __init__(self, logger: logging.Logger, seconds: float = 1.0) -> None:
        self._logger, self._seconds = logger, seconds
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._suppressed: Counter[str] = Counter()

    def warning(self, kind: str, message: str, *arguments: object, defect: BaseException | None = None) -> None:
        """Log a warning, or an error with the traceback of `defect`. Kinds are few and fixed."""
        now = time.monotonic()
        with self._lock:
            if now - self._last.get(kind, -self._seconds) < self._seconds:
                self._suppressed[kind] += 1
                return
            self._last[kind] = now
            suppressed = self._suppressed.pop(kind, 0)
        if suppressed:
            message += " (and %d more of this kind since the last such line)"
            arguments = (*arguments, suppressed)
        self._logger.log(logging.ERROR if defect else logging.WARNING, message, *arguments, exc_info=defect)
