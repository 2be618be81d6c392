"""Simulators that share a process of their own, with a connection each, and logs of what becomes of their frames."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from scripts.benchmarks.harness.bridges import ANSWER_TIMEOUT, connect
from simulator.link.client import Client, fragments
from simulator.link.commands import FRAME_DONE, Command
from simulator.link.frames import event

BEGIN, END = "begin", "end"
PACKETS = 500  # made beforehand, which costs no time in flight; an id comes again after eight seconds at 60 Hz
RETRY_SECONDS = 0.1  # until the next frame, if the connection is lost
DRAIN_SECONDS = 2.0  # that frames may take after END


@dataclass(frozen=True)
class Group:
    """Simulators that one process flies at `hz`, or each as fast as it is answered at UNTHROTTLED."""

    port: int
    numbers: range  # of the fleet; they determine the first frame and its moment
    hz: float


@dataclass
class FrameLog:
    """What became of the frames that one simulator has sent."""

    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)  # of the acknowledgements
    latencies: list[float] = field(default_factory=list)  # milliseconds, of the answered frames
    silence: float = 0.0  # seconds, the longest without a ping or pong from the server
    reconnections: int = 0


def fly_simulators(pipe: Connection, frames: Sequence[dict[str, str]]) -> None:
    """Fly each Group that arrives through the pipe; answer None once it flies.

    BEGIN starts new logs and is answered with None; END ends the flights and is answered with a FrameLog for each
    simulator. Each sends the frames in turn.
    """
    packets = [fragments(event("sensor_frame", frames[id % len(frames)], id)) for id in range(PACKETS)]
    while True:
        group: Group = pipe.recv()
        with ExitStack() as stack:
            clients = [stack.enter_context(connect(group.port)) for _ in group.numbers]
            pairs = zip(clients, group.numbers, strict=True)
            simulators = [Simulator(client, packets, group.hz, number) for client, number in pairs]
            pipe.send(None)
            while (message := pipe.recv()) != END:
                assert message == BEGIN, message
                for simulator in simulators:
                    simulator.begin()
                pipe.send(None)
            for simulator in simulators:
                simulator.end()
            logs = [simulator.result() for simulator in simulators]
        pipe.send(logs)


class Simulator:
    """Sends frames on a thread of its own until `end`; frames that are late are left out, not made up for."""

    def __init__(self, client: Client, packets: Sequence[list[bytes]], hz: float, number: int) -> None:
        self._client, self._packets, self._period = client, packets, 1 / hz
        self._number, self._log = number, FrameLog()
        self._started: dict[int, tuple[float, FrameLog]] = {}  # id -> moment and log of a frame without an outcome
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Log the frames that are sent from now on."""
        self._log = FrameLog()

    def end(self) -> None:
        """Send no more frames."""
        self._ended.set()

    def result(self) -> FrameLog:
        """Return the log once all frames have an outcome, or their time is over."""
        self._thread.join()
        self._log.reconnections = self._client.connections - 1
        return self._log

    def _run(self) -> None:
        shuffled = random.Random(self._number)
        number = shuffled.randrange(len(self._packets))
        due = time.perf_counter() + shuffled.random() * (self._period or 0.0)
        while not self._ended.is_set():
            now = time.perf_counter()
            if now >= due and (self._period or not self._started):
                self._send(number % len(self._packets))
                number, due = number + 1, max(due + self._period, time.perf_counter())
            else:
                self._receive(max(due - now, 0.0) if self._period else ANSWER_TIMEOUT)
        deadline = time.perf_counter() + DRAIN_SECONDS
        while self._started and (left := deadline - time.perf_counter()) > 0:
            self._receive(left)

    def _send(self, id: int) -> None:
        log = self._log
        log.sent += 1
        self._started[id] = time.perf_counter(), log
        if not self._client.send_fragments(self._packets[id]):
            del self._started[id]
            self._ended.wait(RETRY_SECONDS)

    def _receive(self, timeout: float) -> None:
        command = self._client.next_command(timeout)
        self._log.silence = max(self._log.silence, self._client.silence)
        if command is None:
            if not self._period:
                self._started.clear()  # it will not be answered any more; go on with the next one
        elif command.name == FRAME_DONE:
            self._take(command)

    def _take(self, done: Command) -> None:
        started, log = self._started.pop(done.values["id"], (0.0, None))
        if log is not None:
            log.outcomes[done.values["outcome"]] += 1
            if done.values["outcome"] == "answered":
                log.latencies.append(1e3 * (time.perf_counter() - started))
