"""`python scripts/bench.py latency`: how long from a frame to its commands, over a real websocket.

Each way of serving runs in a process of its own; a client that talks as QuadSim does sends the same frames to one after
the other, in turns, so that whatever else the machine does disturbs all of them alike. A frame's latency counts from
before its first byte is sent until its acknowledgement, which comes after its commands. Frames are sent 5 a second as
QuadSim does (paced), and each as soon as the last one is answered (flat out).

The original's way is the same network on the same socket server, used as the program of 2017 did: everything is
decoded, then `model.predict` on the one frame, all inside the network's loop.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from scripts.benchmarks.harness import client, draw_frames, hear, process, read_frames, turn

OURS, ORIGINAL = "ours", "original"
MODES = ("threading", "eventlet")
PACES = {"paced": 0.2, "flat out": 0.0}  # seconds from one frame to the next
ROUNDS = 4
console = Console()


@dataclass(frozen=True)
class Way:
    """One way of serving."""

    who: str  # OURS or ORIGINAL
    async_mode: str


@dataclass(frozen=True)
class Figures:
    """The latencies of one way at one pace."""

    who: str
    async_mode: str
    pace: str
    frames: int
    p50: float  # milliseconds
    p99: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python scripts/bench.py latency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    parser.add_argument("--runtime", default="auto", help="what runs it in our way (default %(default)s)")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="pictures to send (default: the stand-in's view)")
    parser.add_argument("--seconds", type=float, default=12.0, help="for each way and pace (default %(default)s)")
    parser.add_argument("--async-mode", choices=MODES, help="one way of serving only (default: both)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures for other programs")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        parser.error(f"expected a positive number of --seconds, got {options.seconds:g}")
    modes = [options.async_mode] if options.async_mode else MODES
    try:
        with console.status("drawing frames"):
            frames = read_frames(options.frames) if options.frames else draw_frames()
        figures, described = measure([Way(who, mode) for who in (OURS, ORIGINAL) for mode in modes], frames, options)
    except (ValueError, RuntimeError, OSError) as error:  # BenchmarkError, RendererError, files
        print(f"bench latency: {error}", file=sys.stderr)
        return 2
    console.print(described, highlight=False, soft_wrap=True)
    console.print(table(figures))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        content = {"model": described, "figures": [asdict(each) for each in figures]}
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    return 0


def measure(ways: Sequence[Way], frames: Sequence[dict], options: argparse.Namespace) -> tuple[list[Figures], str]:
    """The figures of all ways at all paces, and the line that describes our network."""
    latencies: dict[tuple[Way, str], list[float]] = {(way, pace): [] for pace in PACES for way in ways}
    with ExitStack() as stack:
        with console.status(f"starting {len(ways)} servers"):
            starting = [stack.enter_context(process(serve, way, options.weights, options.runtime)) for way in ways]
            said = [hear(pipe) for pipe in starting]
            clients = {way: stack.enter_context(client(port)) for way, (port, _) in zip(ways, said, strict=True)}
        turns = [(pace, way) for pace in PACES for _ in range(ROUNDS) for way in ways]
        with Progress(console=console, transient=True) as progress:
            for pace, way in progress.track(turns, description="measuring"):
                latencies[way, pace] += turn(clients[way], frames, PACES[pace], options.seconds / ROUNDS)
    figures = [
        Figures(way.who, way.async_mode, pace, len(ms), *np.percentile(ms, [50, 99]).tolist())
        for (way, pace), ms in latencies.items()
    ]
    return figures, said[0][1]


def table(figures: Sequence[Figures]) -> Table:
    """The figures, with how many times faster each is than the original's way (on eventlet, where that is there)."""
    drawn = Table(caption=f"p50 x, p99 x: times faster than the original's way on {figures[-1].async_mode}")
    for name in ("", "served by", "pace", "frames", "p50 ms", "p99 ms", "p50 x", "p99 x"):
        drawn.add_column(name, justify="left" if name in ("", "served by", "pace") else "right")
    for each in figures:
        reference = [other for other in figures if other.who == ORIGINAL and other.pace == each.pace][-1]
        ratios = f"{reference.p50 / each.p50:.1f}", f"{reference.p99 / each.p99:.1f}"
        drawn.add_row(
            each.who, each.async_mode, each.pace, str(each.frames), f"{each.p50:.1f}", f"{each.p99:.1f}", *ratios
        )
    return drawn


def serve(way: Way, weights: str, runtime: str, pipe: Connection) -> None:
    """A server, in a process of its own: loads the model, sends (port, description) or an error's text, serves."""
    from model.inference.quiet_tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    try:
        server, description = (_ours if way.who == OURS else _originals)(way.async_mode, weights, runtime)
    except (ValueError, RuntimeError) as error:
        pipe.send(str(error))
        return
    pipe.send((server.port, description))
    server.serve()


def _ours(async_mode: str, weights: str, runtime: str):
    from follower.agent import FollowAgent
    from model.inference.segmenter import Segmenter
    from sim_bridge.server import BridgeServer
    from sim_bridge.settings import BridgeSettings

    segmenter = Segmenter(weights, runtime)
    server = BridgeServer(segmenter, FollowAgent, BridgeSettings(port=0, async_mode=async_mode))
    server.listen()
    return server, segmenter.describe()


def _originals(async_mode: str, weights: str, runtime: str):
    from scripts.benchmarks.original_server import OriginalServer

    return OriginalServer(async_mode, weights), "model.predict"


if __name__ == "__main__":
    sys.exit(main())
