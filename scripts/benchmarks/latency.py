"""`python scripts/bench.py latency`: time from a frame to its commands, over a real websocket.

Each variant of the server runs in a process of its own and gets the same frames, at 5 Hz as from QuadSim, and
unthrottled: each frame as soon as the previous one is answered.

The baseline, "original", is the same network on the same socket server, used as in the program of 2017: everything is
decoded, then `model.predict` is called on the single frame, all inside the network's loop.
"""

import argparse
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import get_args

from model.inference.choices import Runtime
from model.inference.load import load_segmenter
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from scripts.benchmarks.harness.bridges import connect, make_bridge, process, receive, request, serve
from scripts.benchmarks.harness.rounds import UNTHROTTLED, get_frames, run_rounds, send_frames, summarise
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table
from scripts.benchmarks.original import OriginalServer
from sim_bridge.settings import AsyncMode

OURS, ORIGINAL = "ours", "original"
MODES = get_args(AsyncMode)
RATES = (5.0, UNTHROTTLED)
ROUNDS = 4
SPEED_UP = ("x", lambda latency, baseline: baseline / latency)


@dataclass(frozen=True)
class Variant:
    """Variant of the server."""

    server: str  # OURS or ORIGINAL
    async_mode: AsyncMode


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=12.0)
    parser.add_argument("--runtime", default="auto", help="of our network (default %(default)s)")
    parser.add_argument("--async-mode", choices=MODES, help="measure one mode of serving only (default: both)")


def benchmark(options: argparse.Namespace) -> object:
    """Measure all variants at all rates."""
    modes = [options.async_mode] if options.async_mode else MODES
    variants = [Variant(server, mode) for server in (OURS, ORIGINAL) for mode in modes]
    frames, seconds = get_frames(options), options.seconds / ROUNDS
    with ExitStack() as stack, console.status(f"starting {len(variants)} servers") as status:
        servers = {
            variant: stack.enter_context(process(start_server, variant, options.weights, options.runtime))
            for variant in variants
        }
        clients = {variant: stack.enter_context(connect(receive(server))) for variant, server in servers.items()}
        model = request(servers[variants[0]], "model")
        status.stop()

        def run_round(hz: float, variant: Variant) -> list[float]:
            return send_frames(clients[variant], frames, hz, seconds)

        results = run_rounds(RATES, variants, ROUNDS, run_round)
    console.print(model, highlight=False, soft_wrap=True)
    rows = summarise(results, variants[-1], SPEED_UP, asdict)
    print_table(rows, f"milliseconds; x: times faster than the original on {modes[-1]}")
    return {"model": model, "results": rows}


def start_server(pipe: Connection, variant: Variant, weights: str, runtime: Runtime) -> None:
    """Serve with a variant of the server until stopped."""
    if variant.server == OURS:
        segmenter = load_segmenter(weights, runtime)
        serve(make_bridge(segmenter, variant.async_mode), pipe, {"model": segmenter.describe})
    else:
        import_tensorflow_quietly()
        serve(OriginalServer(variant.async_mode, weights), pipe, {})
