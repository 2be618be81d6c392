"""Bridges in processes of their own, pipes to talk to them, and clients that connect to them as simulators do."""

import logging
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from follower.agent import FollowAgent
from model.inference.choices import Device, Runtime
from model.inference.load import load_agent_segmenter
from scripts.benchmarks.harness.original_server import OriginalServer
from sim_bridge.events import Subscriber
from sim_bridge.server import BridgeServer
from sim_bridge.settings import AsyncMode, BridgeSettings
from simulator.link.client import Client

if TYPE_CHECKING:
    from model.inference.agent_segmenter import AgentSegmenter

START_TIMEOUT, ANSWER_TIMEOUT = 180.0, 10.0  # seconds
STOP = "stop"


@contextmanager
def process(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run `target(pipe, *arguments)` in another process while the block lasts; yield this process's end of the pipe.
    ValueError and RuntimeError of the target reach the caller through `receive`.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=run_target, args=(target, theirs, *arguments), daemon=True)
    worker.start()
    theirs.close()
    try:
        yield ours
    finally:
        worker.terminate()
        worker.join(5)


def run_target(target: Callable[..., None], pipe: Connection, *arguments: object) -> None:
    """Run what `process` starts, in its process; it ends when the benchmark was killed."""
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # of the pipe to a benchmark that was killed
        try:
            target(pipe, *arguments)
        except (ValueError, RuntimeError) as error:
            pipe.send(RuntimeError(f"a process of the benchmark failed: {error}"))


def receive(pipe: Connection) -> Any:
    """Return the next message of a process. Raises RuntimeError if the process failed, ended, or sent nothing."""
    if not pipe.poll(START_TIMEOUT):
        raise RuntimeError("a process of the benchmark failed: it took too long")
    try:
        message = pipe.recv()
    except (EOFError, ConnectionResetError):
        raise RuntimeError("a process of the benchmark failed: it ended") from None
    if isinstance(message, RuntimeError):
        raise message
    return message


def request(pipe: Connection, message: object) -> Any:
    """Send a message to a process and return its answer. Raises RuntimeError as `receive` does."""
    with suppress(BrokenPipeError, ConnectionResetError):  # it ended, which `receive` says
        pipe.send(message)
    return receive(pipe)


def make_bridge(
    segmenter: "AgentSegmenter", async_mode: AsyncMode = "threading", subscribers: Sequence[Subscriber] = ()
) -> BridgeServer:
    """Return a bridge on any free port."""
    return BridgeServer(segmenter, FollowAgent, BridgeSettings(port=0, async_mode=async_mode), subscribers)


def serve(server: BridgeServer | OriginalServer, pipe: Connection, answers: Mapping[str, Callable[[], object]]) -> None:
    """Serve until STOP arrives through the pipe, or the benchmark is killed.

    Send the port first, then the answer to each request (by name), or the RuntimeError that it failed.
    """
    server.listen()
    pipe.send(server.port)

    def answer() -> None:
        with suppress(EOFError, ConnectionError):  # the benchmark was killed
            while (name := pipe.recv()) != STOP:
                try:
                    result = answers[name]()
                except Exception as error:  # of any kind: without an answer the benchmark would wait in vain
                    result = RuntimeError(f"the request {name!r} failed: {error}")
                pipe.send(result)
        server.stop()

    threading.Thread(target=answer, daemon=True).start()
    server.serve()


def memory() -> float | None:
    """Return the memory that this process occupies now, megabytes; None if the system does not say so (not Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * mmap.PAGESIZE / 1e6


def open_files() -> int | None:
    """Return how many files and sockets this process has open; None if the system does not say so (not Linux)."""
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return None


MEASUREMENTS: Mapping[str, Callable[[], object]] = {
    "cpu": time.process_time,
    "memory": memory,
    "threads": threading.active_count,
    "files": open_files,
}
"""Answers about a server's process: processor time in seconds, memory, Python's threads, open files."""


def serve_follower(
    pipe: Connection,
    weights: str,
    recordings: Path = Path("recordings"),
    runtime: Runtime = "auto",
    device: Device = "auto",
) -> None:
    """Serve a bridge with its dashboard, as `follower.py` does, until stopped.

    Answers "model", "swap" (to another copy of the model), "errors" (that were logged, or ended a thread) and
    MEASUREMENTS.
    """
    segmenter = load_agent_segmenter(weights, runtime, device)
    from rich.console import Console

    from app.console import StatusDisplay
    from dashboard.dashboard import serve_dashboard
    from dashboard.live.feed import Feed
    from dashboard.recordings.routes import Recordings
    from dashboard.settings import DashboardSettings
    from follower.settings import AgentSettings
    from sim_bridge.recorder.recorder import Recorder
    from sim_bridge.settings import RecordingSettings

    errors = _collect_errors()
    feed, recorder = Feed(), Recorder(RecordingSettings(folder=str(recordings)))
    display = StatusDisplay(Console(quiet=True))
    server, pages = make_bridge(segmenter, subscribers=[display, recorder, feed]), [Recordings(recordings).pages()]
    with recorder, serve_dashboard(server, feed, recorder, AgentSettings(), DashboardSettings(), pages):

        def swap() -> None:
            another = load_agent_segmenter(weights, runtime, device)
            server.swap_model(another, {"model": {"description": another.describe()}})

        serve(server, pipe, {"model": segmenter.describe, "swap": swap, "errors": lambda: errors, **MEASUREMENTS})


def _collect_errors() -> list[str]:
    """Return a list to which what this process logs as errors from now on is added, and what ends its threads."""
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    threading.excepthook = lambda failure: errors.append(f"{failure.exc_type.__name__}: {failure.exc_value}")
    return errors


@contextmanager
def connect(port: int, no_delay: bool = False) -> Iterator[Client]:
    """Yield a client connected to the server at a port of this machine. Raises RuntimeError.

    Its socket behaves as QuadSim's, with Nagle's algorithm, or with `no_delay` as a modern client's.
    """
    client = Client("127.0.0.1", port, no_delay=no_delay)
    try:
        if not client.wait_connected(ANSWER_TIMEOUT):
            raise RuntimeError("a server does not accept connections")
        yield client
    finally:
        client.close()
