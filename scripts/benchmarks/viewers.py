"""`python scripts/bench.py viewers`: latency that viewers of the dashboard add to a flight.

One bridge, in a process of its own, with 0, 1 and 5 viewers of the live page, and with one user who plays a recording,
at 5 Hz as from QuadSim, and at 20 Hz. The table has the 95 % confidence interval of the medians' ratio, by bootstrap
over the rounds. The viewers take updates as fast as they come, as the page does; the player fetches 20 pictures and
their masks a second. They run in another process with a lower priority, and "cpu" is the processor time of the bridge's
process alone: what a browser does with the pictures is not measured.
"""

import argparse
import json
import operator
import os
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import numpy as np
import websocket

from scripts.benchmarks.harness.bridges import connect, process, receive, request, serve_follower
from scripts.benchmarks.harness.rounds import WARM_UP_FRAMES, Rounds, get_frames, run_rounds, send_frames, summarise
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table

RECORDINGS = Path(__file__).resolve().parents[2] / "tests" / "dataset" / "recordings"
PLAYED, PLAYED_FRAMES, PLAYED_HZ = "walk", 30, 20
FETCH_TIMEOUT = 10.0  # seconds
RATES = (5.0, 20.0)  # Hz
ROUNDS = 24
LAST_FRAMES = 0.1  # seconds that the last frames of a round may need to reach the audience
RESAMPLES = 2000  # for the interval of a ratio


@dataclass(frozen=True)
class Audience:
    """Number of viewers of the live page, and of users who play a recording."""

    viewers: int = 0
    players: int = 0


NO_AUDIENCE = Audience(0, 0)
AUDIENCES = (NO_AUDIENCE, Audience(viewers=1), Audience(viewers=5), Audience(players=1))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=16.0)


def benchmark(options: argparse.Namespace) -> object:
    """Measure all audiences at all rates."""
    frames, seconds = get_frames(options), options.seconds / ROUNDS
    cases = [(hz, audience) for hz in RATES for audience in AUDIENCES]
    cpu_seconds, updates = dict.fromkeys(cases, 0.0), dict.fromkeys(cases, 0)
    with ExitStack() as stack:
        with console.status("starting the bridge"):
            bridge = stack.enter_context(process(serve_follower, options.weights, RECORDINGS))
            port = receive(bridge)
            audiences = stack.enter_context(process(run_audiences, port))
            client = stack.enter_context(connect(port))

        def run_round(hz: float, audience: Audience) -> list[float]:
            started = []
            request(audiences, audience)
            latencies = send_frames(client, frames, hz, seconds, lambda: started.append(request(bridge, "cpu")))
            cpu_seconds[hz, audience] += request(bridge, "cpu") - started[0]
            updates[hz, audience] += request(audiences, NO_AUDIENCE)
            return latencies

        results = run_rounds(RATES, AUDIENCES, ROUNDS, run_round)
    rows = summarise(results, NO_AUDIENCE, ("x", operator.truediv), asdict)
    for row, (case, rounds) in zip(rows, results.items(), strict=True):
        (hz, audience), sent = case, row["frames"] + ROUNDS * WARM_UP_FRAMES
        low, high = ratio_interval(rounds, results[hz, NO_AUDIENCE])
        row["p50_x_95_%"] = f"{low:.2f}-{high:.2f}"
        row["cpu"] = 1e3 * cpu_seconds[case] / row["frames"]
        row["received_%"] = 100 * updates[case] / sent / audience.viewers if audience.viewers else 0.0
    print_table(rows, "milliseconds; x: times that without an audience; received: of the frames, by each viewer")
    return {"results": rows}


def ratio_interval(rounds: Rounds, baseline: Rounds) -> tuple[float, float]:
    """Return the 95 % interval of the ratio of the medians; both are resampled by the same rounds."""
    ratios = []
    for chosen in np.random.default_rng(0).integers(len(rounds), size=(RESAMPLES, len(rounds))).tolist():
        ours, theirs = (np.median(np.concatenate([each[k] for k in chosen])) for each in (rounds, baseline))
        ratios.append(ours / theirs)
    low, high = np.percentile(ratios, [2.5, 97.5]).tolist()
    return low, high


def run_audiences(pipe: Connection, port: int) -> None:
    """Connect the audience that each message requests; answer with the frames that the previous one received."""
    if hasattr(os, "nice"):
        os.nice(10)
    members: list[Viewer | _Player] = []
    while True:
        audience = pipe.recv()
        time.sleep(LAST_FRAMES if members else 0.0)
        for member in members:
            member.close()
        frames = sum(member.frames for member in members)
        members = [Viewer(port) for _ in range(audience.viewers)]
        members += [_Player(port) for _ in range(audience.players)]
        pipe.send(frames)


class _Player:
    """Plays a recording in a loop until it is closed; frames that are late are skipped."""

    def __init__(self, port: int):
        self.frames = 0
        self._address = f"http://127.0.0.1:{port}/api/recordings/{PLAYED}"
        self._closed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._closed.set()

    def _run(self) -> None:
        started, period = time.monotonic(), 1 / PLAYED_HZ
        without_proxy = build_opener(ProxyHandler({}))
        while not self._closed.wait(period - (time.monotonic() - started) % period):
            name = f"{int((time.monotonic() - started) * PLAYED_HZ) % PLAYED_FRAMES:06d}"
            for file in (f"images/{name}.jpeg", f"masks/{name}.png"):
                with without_proxy.open(f"{self._address}/{file}", timeout=FETCH_TIMEOUT) as answer:
                    answer.read()
            self.frames += 1


class Viewer:
    """Requests one update after another until it is closed. A bare websocket, which costs little processor time.

    The frame that is there when it comes, of the previous round, does not count. Raises RuntimeError without an answer.
    """

    def __init__(self, port: int):
        self.frames = 0
        self._have: dict[str, Any] = {"simulator": None, "frame": -1, "row": -1, "event": -1}
        address = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        try:
            self._socket = websocket.create_connection(address, timeout=FETCH_TIMEOUT)
            self._socket.recv()  # Engine.IO's open packet
            self._socket.send("40/dashboard,")
            self._socket.recv()  # connected
            self._update()
        except (OSError, websocket.WebSocketException) as error:
            raise RuntimeError(f"the follower does not answer a viewer: {error}") from error
        self._socket.settimeout(None)  # without simulators there is nothing new
        self.frames = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Shut the connection down without a closing handshake. Raises RuntimeError if it was lost before."""
        if not self._thread.is_alive():
            raise RuntimeError(f"a viewer lost its connection to the follower after {self.frames} frames")
        self._socket.shutdown()

    def _run(self) -> None:
        with suppress(OSError, websocket.WebSocketException):
            while True:
                self._update()

    def _update(self) -> None:
        self._socket.send(f'42/dashboard,["ready",{json.dumps(self._have)}]')
        while (packet := self._socket.recv())[:2] not in ("42", "45"):
            if packet == "2":
                self._socket.send("3")
        self._receive(packet)

    def _receive(self, packet: str) -> None:
        head, _, body = packet.partition("/dashboard,")  # 45<attachments>-/dashboard,["update",{...}]
        for _ in range(int(head[2:-1] or 0)):
            self._socket.recv()
        update, have = json.loads(body)[1], self._have
        have["simulator"] = update["selected"]
        have["row"] = max([have["row"], *(row[0] for row in update["rows"])])
        have["event"] = max([have["event"], *(event["number"] for event in update["events"])])
        if update["frame"]:
            have["frame"] = update["frame"]["number"]
            self.frames += 1
