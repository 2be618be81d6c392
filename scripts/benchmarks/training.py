"""`python scripts/bench.py training`: latency that a training started on the page adds to a flight.

One bridge, and beside it a training as the workshop runs it (lowest priority, half of the processor's threads, its own
worker) on frames of the built-in simulator. The training is suspended and resumed in turns, so that other load on the
machine affects both alike. Needs POSIX signals.
"""

import argparse
import operator
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dashboard.jobs import BackgroundJob
from scripts.benchmarks.harness.bridges import connect, process, receive, serve_follower
from scripts.benchmarks.harness.rounds import get_frames, run_rounds, send_frames, summarise
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table
from simulator.snapshots import Mixture, snapshots, write_snapshots

RATES = (5.0, 20.0)  # Hz
ROUNDS = 12
SETTLING_SECONDS = 20.0  # from the first output of a training until it only trains


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=60.0)
    if os.name == "nt":
        parser.error("needs POSIX signals")


def benchmark(options: argparse.Namespace) -> object:
    """Measure with and without a training at all rates."""
    frames, seconds = get_frames(options), options.seconds / ROUNDS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with console.status("drawing frames to train on"):
            write_snapshots(folder / "data", snapshots(60, 0, Mixture()))
        with console.status("starting the bridge and the training"):
            port = receive(stack.enter_context(process(serve_follower, options.weights)))
            group = stack.enter_context(training(options.weights, folder))
        client = stack.enter_context(connect(port))

        def run_round(hz: float, resume: bool) -> list[float]:
            os.killpg(group, signal.SIGCONT if resume else signal.SIGSTOP)
            return send_frames(client, frames, hz, seconds)

        results = run_rounds(RATES, (False, True), ROUNDS, run_round)
    rows = summarise(results, False, ("x", operator.truediv), lambda training: {"training": training})
    print_table(rows, "milliseconds; x: times that without a training")
    return {"results": rows}


@contextmanager
def training(weights: str, folder: Path) -> Iterator[int]:
    """Run a training as the workshop does; yield its process group. Raises RuntimeError if it does not start."""
    job = BackgroundJob("model.train", max((os.cpu_count() or 2) // 2, 1))
    folders = ["--run", str(folder / "run"), "--cache", str(folder / "cache")]
    job.start(["--init", weights, "--data", str(folder / "data"), "--minutes", "1000", "--no-validation", *folders])
    group = job.pid
    assert group is not None, "a job that was started has a process"
    try:
        while not any("validation frames;" in line for line in job.status()["lines"]):
            if not job.running:
                raise RuntimeError("\n".join(job.status()["lines"]))
            time.sleep(0.5)
        time.sleep(SETTLING_SECONDS)
        yield group
    finally:
        if job.running:
            os.killpg(group, signal.SIGCONT)
        job.close()
