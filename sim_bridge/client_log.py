"""Log messages about clients: what is refused, and what a person should know about a simulator."""

import logging

from sim_bridge.rate_limit import RateLimitedLogger
from sim_bridge.session import Session
from sim_bridge.wire.bad_frame import BadFrame
from sim_bridge.wire.messages import SensorFrame

STRANGER_SECONDS = 60.0  # between messages about clients that cannot connect: they try again every few seconds
MAX_STRANGER_REASONS = 100  # told apart, for the same reason as the keys below
MAX_LOGGED_KEYS = 100  # unknown keys remembered per session, so that a client cannot exhaust the memory
DECIMAL_COMMAS = (
    "it writes decimal commas, as its system's language does, and would misread 0.7 in a command as 7 or 0; "
    "numbers are sent to it as 7e-1, which it reads right"
)


class ClientLog:
    """Writes the messages about the clients of one bridge, each kind once in a while; from any thread."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._refusals = RateLimitedLogger(logger)
        self._strangers = RateLimitedLogger(logger, STRANGER_SECONDS)
        self._stranger_reasons: set[str] = set()

    def refused(self, name: str, reason: BadFrame) -> None:
        """A frame, an event or a packet was refused."""
        self._refusals.warning(reason.kind, "%s: refused (%s): %s", name, reason.kind, reason)

    def stranger_refused(self, name: str, reason: BadFrame) -> None:
        """A client cannot connect."""
        kind = str(reason)
        if len(self._stranger_reasons) < MAX_STRANGER_REASONS:
            self._stranger_reasons.add(kind)
        elif kind not in self._stranger_reasons:
            kind = reason.kind
        self._strangers.warning(kind, "%s was refused: %s", name, reason)

    def failed(self, session: Session, error: Exception) -> None:
        """A frame was lost to a bug in this program."""
        message = "%s: a frame was lost to a defect: %s"
        self._refusals.warning(type(error).__name__, message, session.name, error, defect=error)

    def peculiarities(self, session: Session, frame: SensorFrame) -> None:
        """Log, once in a session, unknown keys and decimal commas, and remember both in the session."""
        new = set(frame.ignored_keys) - session.ignored_keys
        if new and len(session.ignored_keys) < MAX_LOGGED_KEYS:
            session.ignored_keys |= new
            self._logger.warning("%s: unknown keys of sensor_frame are ignored: %s", session.name, sorted(new))
        if frame.decimal_commas and not session.decimal_commas:
            session.decimal_commas = True
            self._logger.warning("%s: %s", session.name, DECIMAL_COMMAS)
