"""What a person at the terminal sees: a line for each change, and one quiet live line below them."""

import contextlib
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from logging.handlers import QueueHandler, QueueListener
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.logging import RichHandler
from rich.text import Text

from follower.types import Decision, TargetState
from sim_bridge.events import Subscriber
from sim_bridge.processed_frame import ProcessedFrame
from sim_bridge.session import Session

_WINDOW_SECONDS = 3.0  # what the live line averages over


@contextlib.contextmanager
def saying(console: Console) -> Iterator[Callable[[str], object]]:
    """Have what is logged printed, and give a function that prints a line, until the end of the block.

    Neither waits for a terminal that takes no output (Ctrl-S, a sleeping SSH): both print on threads of their own.
    """
    records: queue.SimpleQueue = queue.SimpleQueue()
    handler, printer = QueueHandler(records), QueueListener(records, RichHandler(console=console, show_path=False))
    logging.getLogger().addHandler(handler)
    printer.start()
    try:
        with ThreadPoolExecutor(1, "says") as executor:
            yield partial(executor.submit, console.print, highlight=False, markup=False, soft_wrap=True)
    finally:
        logging.getLogger().removeHandler(handler)
        printer.stop()


class StatusDisplay(Subscriber):
    """Prints connected, found, lost and disconnected. On a terminal a live line shows the rest; a file gets none.

    Use as a context manager around serving.
    """

    def __init__(self, console: Console):
        self._console = console
        self._lines: dict[Session, _LiveLine] = {}
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "StatusDisplay":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def connected(self, session: Session) -> None:
        """A simulator has connected."""
        self._lines[session] = _LiveLine(session)
        self._say(session, f"connected from {session.address}")

    def frame_processed(self, session: Session, processed: ProcessedFrame) -> None:
        """Say what has changed."""
        if session not in self._lines:  # it has gone while the network had its last frame
            return
        self._lines[session].add(processed)
        decision = processed.decision
        if not decision.changed:
            return
        if decision.state is TargetState.FOUND:
            where = "" if decision.track_point is None else " at ({:.1f}, {:.1f}, {:.1f})".format(*decision.track_point)
            away = "" if decision.range is None else f", {_range_text(decision)}"
            self._say(session, f"[green]target found[/]{where}{away}")
        elif decision.state is TargetState.LOST:
            self._say(session, "[yellow]target lost[/], back to patrol")

    def disconnected(self, session: Session) -> None:
        """A simulator has gone."""
        self._lines.pop(session, None)
        counts = session.counts
        parts = [f"{counts.answered} frames answered"]
        parts += [f"{counts.skipped} skipped"] if counts.skipped else []
        parts += [f"{counts.refused.total()} refused"] if counts.refused else []
        parts += [f"{counts.failed} failed"] if counts.failed else []
        self._say(session, f"disconnected; {', '.join(parts)}")

    def model_changed(self, origin: Mapping) -> None:
        """Say which model flies now."""
        said = f"from here on flies {origin['model']['description']}"
        self._console.print(said, highlight=False, markup=False, soft_wrap=True)

    def _say(self, session: Session, what: str) -> None:
        self._console.print(f"[bold]{session.name}[/]: {what}", highlight=False, soft_wrap=True)

    def live_text(self) -> str:
        """What the live line says now, a line for each simulator."""
        return "\n".join(line.text() for line in list(self._lines.values()))

    def _render(self) -> Text:
        return Text(self.live_text(), style="dim", no_wrap=True)


class _LiveLine:
    """The recent past of one session."""

    def __init__(self, session: Session):
        self._session = session
        self._recent: deque[tuple[float, ProcessedFrame]] = deque(maxlen=1000)

    def add(self, processed: ProcessedFrame) -> None:
        self._recent.append((time.monotonic(), processed))

    def text(self) -> str:
        now = time.monotonic()
        recent = [processed for moment, processed in list(self._recent) if now - moment < _WINDOW_SECONDS]
        if not recent:
            return f"{self._session.name}: no frames"
        latencies = sorted(processed.timings["total"] for processed in recent)
        decision = recent[-1].decision
        parts = [
            f"{len(recent) / _WINDOW_SECONDS:.1f} fps",
            f"latency {latencies[len(latencies) // 2]:.0f} ms",
            f"{self._session.counts.skipped} skipped",
            decision.state.value if decision.range is None else _range_text(decision),
        ]
        return f"{self._session.name}: {'  '.join(parts)}"


def _range_text(decision: Decision) -> str:
    return f"{decision.range.metres:.1f} m away (by {decision.range.source.value})"
