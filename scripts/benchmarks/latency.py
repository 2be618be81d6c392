"""`python scripts/bench.py latency`: time from a frame to its commands, over a real websocket.

Each variant of the server runs in a process of its own and gets the same frames, at 5 Hz as from QuadSim, and
unthrottled: each frame as soon as the previous one is answered.

Two clients take turns with our server: one whose socket behaves as QuadSim's (Nagle's algorithm on, a write for each
fragment), which is what users get, and one with TCP_NODELAY. Their ratio shows whether the client waits for delayed
acknowledgements. Each connects for its turn only: the server ends the connection of a simulator that has fallen silent
when another of the same machine flies.

The baseline, "original", is the same network on the same socket server, used as in the program of 2017: everything is
decoded, then `model.predict` is called on the single frame, all inside the network's loop.
"""

import argparse
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any, get_args

from model.inference.choices import RUNTIMES, Runtime
from model.inference.load import load_agent_segmenter
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from scripts.benchmarks.harness.bridges import connect, make_bridge, process, receive, request, serve
from scripts.benchmarks.harness.original_server import OriginalServer
from scripts.benchmarks.harness.rounds import UNTHROTTLED, get_frames, run_rounds, send_frames, summarise
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table
from sim_bridge.settings import AsyncMode

OURS, ORIGINAL = "ours", "original"
QUADSIM, NO_DELAY = "QuadSim's", "no delay"
MODES = get_args(AsyncMode)
RATES = (5.0, UNTHROTTLED)
ROUNDS = 4
SPEED_UP = ("x", lambda latency, baseline: baseline / latency)


@dataclass(frozen=True)
class Variant:
    """Variant of the server, and of the client's socket."""

    server: str  # OURS or ORIGINAL
    async_mode: AsyncMode
    socket: str = QUADSIM  # or NO_DELAY


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=12.0)
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="of our network (default %(default)s)")
    parser.add_argument("--async-mode", choices=MODES, help="measure one mode of serving only (default: both)")


def benchmark(options: argparse.Namespace) -> object:
    """Measure all variants at all rates."""
    modes = [options.async_mode] if options.async_mode else MODES
    ours = [Variant(OURS, mode, socket) for mode in modes for socket in (QUADSIM, NO_DELAY)]
    variants = [*ours, *(Variant(ORIGINAL, mode) for mode in modes)]
    frames, seconds = get_frames(options), options.seconds / ROUNDS
    with ExitStack() as stack, console.status(f"starting {2 * len(modes)} servers") as status:
        servers = {
            (server, mode): stack.enter_context(process(start_server, server, mode, options.weights, options.runtime))
            for server in (OURS, ORIGINAL)
            for mode in modes
        }
        ports = {key: receive(server) for key, server in servers.items()}
        model = request(servers[OURS, modes[0]], "model")
        status.stop()

        def run_round(hz: float, variant: Variant) -> list[float]:
            port = ports[variant.server, variant.async_mode]
            with connect(port, no_delay=variant.socket == NO_DELAY) as client:
                return send_frames(client, frames, hz, seconds)

        results = run_rounds(RATES, variants, ROUNDS, run_round)
    console.print(model, highlight=False, soft_wrap=True)
    rows = summarise(results, variants[-1], SPEED_UP, asdict)
    print_table(rows, f"milliseconds; x: times faster than the original on {modes[-1]}")
    ratios = {mode: socket_ratio(rows, mode) for mode in modes}
    for mode, ratio in ratios.items():
        console.print(f"{mode}, 5 Hz: p50 with QuadSim's socket is {ratio:.2f} times that with no delay")
    return {"model": model, "results": rows, "socket_ratios": ratios}


def socket_ratio(rows: Iterable[Mapping[str, Any]], async_mode: AsyncMode) -> float:
    """Return p50 of our server at 5 Hz with QuadSim's socket, as a multiple of that with TCP_NODELAY."""
    paced = {
        row["socket"]: row["p50"]
        for row in rows
        if (row["server"], row["async_mode"], row["pace"]) == (OURS, async_mode, "5 Hz")
    }
    return float(paced[QUADSIM] / paced[NO_DELAY])


def start_server(pipe: Connection, server: str, async_mode: AsyncMode, weights: str, runtime: Runtime) -> None:
    """Serve with OURS or ORIGINAL until stopped."""
    if server == OURS:
        segmenter = load_agent_segmenter(weights, runtime)
        serve(make_bridge(segmenter, async_mode), pipe, {"model": segmenter.describe})
    else:
        import_tensorflow_quietly()
        serve(OriginalServer(async_mode, weights), pipe, {})
