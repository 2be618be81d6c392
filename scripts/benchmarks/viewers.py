"""`python scripts/bench.py viewers`: what viewers of the dashboard cost a flight.

One bridge, in a process of its own, with 0, 1 and 5 viewers of the live page, and with one user who plays a recording,
at 5 Hz as from QuadSim, and at 20 Hz. The table has the 95 % confidence interval of the medians' ratio, by bootstrap
over the rounds. The viewers take updates as fast as they come, as the page does; the player fetches 20 pictures and
their masks a second. They run in another process with a lower priority, and "cpu" is the processor time of the bridge's
process alone: what a browser does with the pictures is not measured.
"""

import argparse
import operator
import time
from contextlib import ExitStack
from dataclasses import asdict
from multiprocessing.connection import Connection

import numpy as np

from scripts.benchmarks.audience import RECORDINGS, Audience, attend
from scripts.benchmarks.harness.bridges import ask, connect, load_segmenter, make_bridge, process, receive, serve
from scripts.benchmarks.harness.rounds import WARM_UP_FRAMES, Rounds, get_frames, run_rounds, send_frames, summarise
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table

NO_AUDIENCE = Audience(0, 0)
AUDIENCES = (NO_AUDIENCE, Audience(viewers=1), Audience(viewers=5), Audience(players=1))
RATES = (5.0, 20.0)  # Hz
ROUNDS = 24
RESAMPLES = 2000  # for the interval of a ratio


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
            bridge = stack.enter_context(process(start_bridge, options.weights))
            port = receive(bridge)
            crowd = stack.enter_context(process(attend, port))
            client = stack.enter_context(connect(port))

        def run_round(hz: float, audience: Audience) -> list[float]:
            started = []
            ask(crowd, audience)
            latencies = send_frames(client, frames, hz, seconds, lambda: started.append(ask(bridge, "cpu")))
            cpu_seconds[hz, audience] += ask(bridge, "cpu") - started[0]
            updates[hz, audience] += ask(crowd, NO_AUDIENCE)
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


def start_bridge(pipe: Connection, weights: str) -> None:
    """Serve a bridge with its dashboard, in a process of its own."""
    segmenter = load_segmenter(weights)
    from dashboard.dashboard import About, serve_dashboard
    from dashboard.live.feed import Feed
    from dashboard.recordings.routes import Recordings

    feed = Feed()
    server = make_bridge(segmenter, subscribers=[feed])
    with serve_dashboard(server, feed, About(), pages=[Recordings(RECORDINGS).pages()]):
        serve(server, pipe, {"cpu": time.process_time})
