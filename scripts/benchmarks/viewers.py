"""`python scripts/bench.py viewers`: what watching costs a flight.

One bridge, in a process of its own, with 0, 1 and 5 viewers and with one who plays a recording in turns, forwards and
backwards, so that whatever else the machine does disturbs all of them alike. A client that talks as QuadSim does sends
frames, 5 a second as QuadSim does, and 20; a frame's latency counts from before its first byte is sent until its
acknowledgement, which comes after its commands. Of the medians' ratio the table says, too, between which values it lies
with 95 %, by drawing rounds anew. The viewers take updates as fast as they come, as the page does; who plays a
recording fetches 20 pictures and their masks a second. They are in another process, which gives way to the bridge where
both need the processor, and "cpu" counts the bridge's process alone: what a browser does with the pictures is not
measured.
"""

import argparse
import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from http import HTTPStatus
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from scripts.benchmarks.harness import (
    ANSWER_WITHIN,
    WARM_UP,
    BenchmarkError,
    client,
    draw_frames,
    hear,
    process,
    read_frames,
    turn,
)

AUDIENCES = ((0, 0), (1, 0), (5, 0), (0, 1))  # viewers of the flight, players of a recording
RECORDINGS = Path(__file__).resolve().parents[2] / "tests" / "dataset" / "recordings"
PLAYED, PLAYED_FRAMES, PLAYED_HZ = "walk", 30, 20
RATES = (5, 20)  # frames a second
ROUNDS = 24
DRAWS = 2000  # for the interval of a ratio
console = Console()


@dataclass(frozen=True)
class Figures:
    """The latencies with such an audience at one rate, in milliseconds, and how many frames each viewer got."""

    hz: int
    viewers: int
    players: int
    frames: int  # measured
    p10: float  # what nothing else on the machine disturbed
    p50: float
    p99: float
    ratio: tuple[float, float]  # of the medians with and without such an audience, the 95 % interval
    cpu: float  # milliseconds of the bridge's processor time a frame
    frames_seen: float  # by each viewer, of 100 sent


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python scripts/bench.py viewers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="pictures to send (default: the stand-in's view)")
    parser.add_argument("--seconds", type=float, default=16.0, help="for each rate and number (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures for other programs")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        parser.error(f"expected a positive number of --seconds, got {options.seconds:g}")
    try:
        with console.status("drawing frames"):
            frames = read_frames(options.frames) if options.frames else draw_frames()
        figures = measure(frames, options)
    except (ValueError, RuntimeError, OSError) as error:  # BenchmarkError, RendererError, files
        print(f"bench viewers: {error}", file=sys.stderr)
        return 2
    console.print(table(figures))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"figures": [asdict(each) for each in figures]}, indent=1) + "\n")
    return 0


def measure(frames: Sequence[dict], options: argparse.Namespace) -> list[Figures]:
    """The figures for all audiences at all rates."""
    kinds = [(hz, audience) for hz in RATES for audience in AUDIENCES]
    latencies: dict[tuple[int, tuple[int, int]], list[list[float]]] = {kind: [] for kind in kinds}  # of each round
    cpu, seen = dict.fromkeys(kinds, 0.0), dict.fromkeys(kinds, 0)
    with ExitStack() as stack:
        with console.status("starting the bridge"):
            bridge = stack.enter_context(process(serve, options.weights))
            port = hear(bridge)
            audience = stack.enter_context(process(watch, port))
            simulator = stack.enter_context(client(port))

        def bridge_time() -> float:
            bridge.send("processor time")
            return hear(bridge)

        turns = [
            (hz, kind) for hz in RATES for number in range(ROUNDS) for kind in AUDIENCES[:: -1 if number % 2 else 1]
        ]
        began: list[float] = []
        with Progress(console=console, transient=True) as progress:
            for hz, kind in progress.track(turns, description="measuring"):
                audience.send(kind)
                hear(audience)  # they are there
                seconds = options.seconds / ROUNDS
                latencies[hz, kind].append(
                    turn(simulator, frames, 1 / hz, seconds, lambda: began.append(bridge_time()))
                )
                cpu[hz, kind] += bridge_time() - began.pop()
                audience.send((0, 0))
                seen[hz, kind] += hear(audience)
    figures = []
    for (hz, (viewers, players)), rounds in latencies.items():
        ms = np.concatenate(rounds)
        share = 100 * seen[hz, (viewers, players)] / max(viewers, 1) / (len(ms) + ROUNDS * WARM_UP)
        ratio, spent = interval(rounds, latencies[hz, (0, 0)]), 1e3 * cpu[hz, (viewers, players)] / len(ms)
        percentiles = np.percentile(ms, [10, 50, 99]).tolist()
        figures.append(Figures(hz, viewers, players, len(ms), *percentiles, ratio, spent, share))
    return figures


def interval(rounds: Sequence[Sequence[float]], alone: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Between which values the ratio of the medians lies with 95 %; the same rounds are drawn of both."""
    draw = np.random.default_rng(0)
    ratios = []
    for _ in range(DRAWS):
        drawn = draw.integers(len(rounds), size=len(rounds))
        ratios.append(np.divide(*(np.median(np.concatenate([each[i] for i in drawn])) for each in (rounds, alone))))
    low, high = np.percentile(ratios, [2.5, 97.5]).tolist()
    return low, high


def table(figures: Sequence[Figures]) -> Table:
    """The figures, and how many times as long as without viewers."""
    drawn = Table(box=SIMPLE, caption="milliseconds; x: times that without an audience")
    for name in ("Hz", "audience", "p10", "x", "p50", "x", "95 %", "p99", "cpu", "seen %"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for each in figures:
        alone = next(other for other in figures if other.hz == each.hz and not other.viewers + other.players)
        drawn.add_row(
            *map(str, (each.hz, f"{each.viewers} viewers" if not each.players else "1 player")),
            *(f"{each.p10:.2f}", f"{each.p10 / alone.p10:.2f}"),
            *(f"{each.p50:.2f}", f"{each.p50 / alone.p50:.2f}"),
            "" if each is alone else "{:.2f} to {:.2f}".format(*each.ratio),
            *(f"{each.p99:.0f}", f"{each.cpu:.1f}"),
            f"{each.frames_seen:.0f}" if each.viewers else "",
        )
    return drawn


def serve(weights: str, pipe: Connection) -> None:
    """A bridge with its dashboard, in a process of its own: sends its port, or an error's text; serves.

    Whenever it is asked, it sends the seconds of processor time that it has used.
    """
    from model.inference.quiet_tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    from dashboard.dashboard import About, serve_dashboard
    from dashboard.live.feed import Feed
    from dashboard.recordings.routes import Recordings
    from follower.agent import FollowAgent
    from model.inference.segmenter import Segmenter
    from sim_bridge.server import BridgeServer
    from sim_bridge.settings import BridgeSettings

    try:
        segmenter = Segmenter(weights)
    except (ValueError, RuntimeError) as error:
        pipe.send(str(error))
        return
    feed = Feed()
    server = BridgeServer(segmenter, FollowAgent, BridgeSettings(port=0), [feed])
    with serve_dashboard(server, feed, About(), pages=[Recordings(RECORDINGS).pages()]):
        server.listen()
        pipe.send(server.port)
        threading.Thread(target=_tell_time, args=(pipe,), daemon=True).start()
        server.serve()


def _tell_time(pipe: Connection) -> None:
    while pipe.recv():
        pipe.send(time.process_time())


def watch(port: int, pipe: Connection) -> None:
    """The audience, in a process of its own: hears how many to be, says how many frames the ones before have seen."""
    if hasattr(os, "nice"):
        os.nice(10)
    audience: list[_Viewer | _Player] = []
    while True:
        viewers, players = pipe.recv()
        for each in audience:
            each.close()
        seen = sum(each.frames for each in audience)
        audience = [_Viewer(port) for _ in range(viewers)] + [_Player(port) for _ in range(players)]
        pipe.send(seen)


class _Player:
    """Plays a recording over and over, until it is closed; frames that come too late are left out."""

    def __init__(self, port: int):
        self.frames = 0
        self._port = port
        self._closed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._closed.set()

    def _run(self) -> None:
        began = time.monotonic()
        while not self._closed.wait(1 / PLAYED_HZ - (time.monotonic() - began) % (1 / PLAYED_HZ)):
            name = f"{int((time.monotonic() - began) * PLAYED_HZ) % PLAYED_FRAMES:06d}"
            for file in (f"images/{name}.jpeg", f"masks/{name}.png"):
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_WITHIN)
                connection.request("GET", f"/api/recordings/{PLAYED}/{file}")
                answer = connection.getresponse()
                if answer.status != HTTPStatus.OK or not answer.read():
                    raise BenchmarkError(f"{file} was not served: {answer.status}")
                connection.close()
            self.frames += 1


class _Viewer:
    """Asks, takes, asks again, until it is closed. A bare websocket: it costs little of the processor."""

    def __init__(self, port: int):
        import websocket

        self.frames = 0
        self._socket = websocket.create_connection(f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket")
        self._socket.recv()  # Engine.IO's greeting
        self._socket.send("40/dashboard,")
        self._socket.recv()  # connected
        self._have = {"simulator": None, "frame": -1, "row": -1, "event": -1}
        self._ask()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Vanish."""
        self._socket.shutdown()

    def _ask(self) -> None:
        self._socket.send(f'42/dashboard,["ready",{json.dumps(self._have)}]')

    def _run(self) -> None:
        import websocket

        try:
            while True:
                packet = self._socket.recv()
                if packet == "2":
                    self._socket.send("3")
                elif packet[:2] in ("42", "45"):
                    self._take(packet)
        except (OSError, websocket.WebSocketException):
            pass

    def _take(self, packet: str) -> None:
        head, _, body = packet.partition("/dashboard,")  # 45<attachments>-/dashboard,["update",{...}]
        for _ in range(int(head[2:-1] or 0)):
            self._socket.recv()
        update = json.loads(body)[1]
        self._have["simulator"] = update["selected"]
        for name, items in (("row", [row[0] for row in update["rows"]]), ("event", _numbers(update["events"]))):
            self._have[name] = max([self._have[name], *items])
        if update["frame"]:
            self._have["frame"] = update["frame"]["number"]
            self.frames += 1
        self._ask()


def _numbers(events: Sequence[dict]) -> list[int]:
    return [event["number"] for event in events]


if __name__ == "__main__":
    sys.exit(main())
