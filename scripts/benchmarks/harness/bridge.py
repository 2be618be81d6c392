"""Bridges in processes of their own, and clients that connect to them as simulators do."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from follower.agent import FollowAgent
from model.inference.choices import Runtime
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from scripts.benchmarks.harness.processes import BenchmarkError
from sim_bridge.events import Subscriber
from sim_bridge.server import BridgeServer
from sim_bridge.settings import AsyncMode, BridgeSettings
from simulator.link.client import Client

if TYPE_CHECKING:
    from model.inference.segmenter import Segmenter
    from scripts.benchmarks.original_server import OriginalServer

ANSWER_TIMEOUT = 10.0  # seconds
STOP = "stop"

Answers = Mapping[str, Callable[[], object]]  # by question


def load_segmenter(weights: str, runtime: Runtime = "auto") -> "Segmenter":
    """Load a model for inference, without TensorFlow's messages."""
    import_tensorflow_quietly()
    from model.inference.segmenter import Segmenter

    return Segmenter(weights, runtime)


def make_bridge(
    segmenter: "Segmenter", async_mode: AsyncMode = "threading", subscribers: Sequence[Subscriber] = ()
) -> BridgeServer:
    """Return a bridge on any free port."""
    return BridgeServer(segmenter, FollowAgent, BridgeSettings(port=0, async_mode=async_mode), subscribers)


def serve(server: "BridgeServer | OriginalServer", pipe: Connection, answers: Answers) -> None:
    """Serve until STOP comes through the pipe. Send the port first, then the answer to each question (by name)."""
    server.listen()
    pipe.send(server.port)

    def answer() -> None:
        while (question := pipe.recv()) != STOP:
            pipe.send(answers[question]())
        server.stop()

    threading.Thread(target=answer, daemon=True).start()
    server.serve()


@contextmanager
def connect(port: int) -> Iterator[Client]:
    """Yield a client connected to the server at a port of this machine. Raises BenchmarkError."""
    client = Client("127.0.0.1", port)
    try:
        if not client.wait_connected(ANSWER_TIMEOUT):
            raise BenchmarkError("a server does not accept connections")
        yield client
    finally:
        client.close()
