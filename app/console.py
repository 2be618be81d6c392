"""Output at the terminal: a line for each change, and one live line below them."""

import contextlib
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from logging.handlers import QueueHandler, QueueListener
from typing import Any, NamedTuple

from rich.console import Console
from rich.live import Live
from rich.logging import RichHandler
from rich.text import Text

from config.console import LogPrinter
from follower.types import Range, TargetState
from sim_bridge.events import ProcessedFrame, Subscriber
from sim_bridge.session import Session

WINDOW_SECONDS = 3.0  # over which the live line averages
MAX_RECENT_FRAMES = 1000


@contextlib.contextmanager
def unblocked_output(console: Console) -> Iterator[Callable[[str], object]]:
    """Print log messages, and yield a function that prints a line, until the end of the block.

    Neither waits for a terminal that accepts no output (Ctrl-S, a suspended SSH session): both print on threads of
    their own.
    """
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler, printer = QueueHandler(records), QueueListener(records, log_printer(console))
    logging.getLogger().addHandler(handler)
    printer.start()
    try:
        with ThreadPoolExecutor(1, "prints") as executor:
            yield partial(executor.submit, console.print, highlight=False, markup=False, soft_wrap=True)
    finally:
        logging.getLogger().removeHandler(handler)
        printer.stop()


def log_printer(console: Console) -> logging.Handler:
    """Return what prints log messages: wrapped on a terminal, and each on a line of its own in a file."""
    if console.is_terminal:
        return RichHandler(console=console, show_path=False)
    handler = LogPrinter(console)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s: %(message)s", "%Y-%m-%d %H:%M:%S"))
    return handler


class _Recent(NamedTuple):
    """What the live line shows of a frame; the frame itself would keep its pictures in memory."""

    moment: float  # monotonic seconds, when it arrived here
    latency: float  # milliseconds
    state: TargetState
    range: Range | None


class StatusDisplay(Subscriber):
    """Prints events, and on a terminal a live line with rates and latency. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._recent: dict[Session, deque[_Recent]] = {}
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "StatusDisplay":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def connected(self, session: Session) -> None:
        """Print the address."""
        self._recent[session] = deque(maxlen=MAX_RECENT_FRAMES)
        self._print(session, f"connected from {session.address}")

    def frame_processed(self, session: Session, processed: ProcessedFrame) -> None:
        """Print a change of the target's state."""
        decision = processed.decision
        recent = _Recent(time.monotonic(), processed.timings["total"], decision.state, decision.range)
        self._recent[session].append(recent)
        if not decision.changed:
            return
        if decision.state is TargetState.FOUND:
            point, distance = decision.track_point, decision.range
            text = "[green]target found[/]"
            text += "" if point is None else " at ({:.1f}, {:.1f}, {:.1f})".format(*point)
            text += "" if distance is None else f", {_range_text(distance)}"
            self._print(session, text)
        elif decision.state is TargetState.LOST:
            self._print(session, "[yellow]target lost[/]")

    def disconnected(self, session: Session) -> None:
        """Print the results of its frames."""
        self._recent.pop(session, None)
        counts = session.counts
        parts = [f"{counts.answered} frames answered"]
        parts += [f"{counts.skipped} skipped"] if counts.skipped else []
        parts += [f"{counts.refused.total()} refused"] if counts.refused else []
        parts += [f"{counts.failed} failed"] if counts.failed else []
        reason = session.end_reason and f"; {session.end_reason}"
        self._print(session, f"disconnected; {', '.join(parts)}{reason}")

    def model_changed(self, origin: Mapping[str, Any]) -> None:
        """Print the active model."""
        message = f"active model: {origin['model']['description']}"
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)

    def live_text(self) -> str:
        """Return the text of the live line, a line for each simulator."""
        return "\n".join(_live_line(session, list(frames)) for session, frames in list(self._recent.items()))

    def _print(self, session: Session, text: str) -> None:
        self._console.print(f"[bold]{session.name}[/]: {text}", highlight=False, soft_wrap=True)

    def _render(self) -> Text:
        return Text(self.live_text(), style="dim", no_wrap=True)


def _live_line(session: Session, frames: Iterable[_Recent]) -> str:
    now = time.monotonic()
    recent = [frame for frame in frames if now - frame.moment < WINDOW_SECONDS]
    if not recent:
        silent = session.silent_seconds
        return f"{session.name}: no frames" + (f" for {silent:.0f} s" if silent else "")
    latencies = sorted(frame.latency for frame in recent)
    newest = recent[-1]
    parts = [
        f"{len(recent) / WINDOW_SECONDS:.1f} fps",
        f"latency {latencies[len(latencies) // 2]:.0f} ms",
        f"{session.counts.skipped} skipped",
        newest.state.value if newest.range is None else _range_text(newest.range),
    ]
    return f"{session.name}: {'  '.join(parts)}"


def _range_text(measured: Range) -> str:
    return f"{measured.metres:.1f} m away (by {measured.source.value})"
