"""`python scripts/bench.py training`: what a training that was started on the page costs a flight.

One bridge, and beside it a training as the workshop runs it (lowest priority, half of the processor's threads, its own
worker) on frames of the stand-in. The training is halted and let go on in turns, so that whatever else the machine does
disturbs both alike. A client that talks as QuadSim does sends frames; a frame's latency counts from before its first
byte is sent until its acknowledgement, which comes after its commands. Needs POSIX signals.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dashboard.jobs import BackgroundJob
from scripts.benchmarks.harness import BenchmarkError, client, draw_frames, hear, process, turn
from scripts.benchmarks.viewers import serve

RATES = (5, 20)  # frames a second
ROUNDS = 12
SETTLED = 20.0  # seconds from the first word of a training until it does nothing but learn
console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python scripts/bench.py training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each rate and state (default %(default)s)")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        parser.error(f"expected a positive number of --seconds, got {options.seconds:g}")
    if os.name == "nt":
        parser.error("needs POSIX signals")
    try:
        console.print(table(measure(options)))
    except (ValueError, RuntimeError, OSError) as error:  # BenchmarkError, RendererError, files
        print(f"bench training: {error}", file=sys.stderr)
        return 2
    return 0


def measure(options: argparse.Namespace) -> dict[tuple[int, bool], list[float]]:
    """Milliseconds of each frame, by rate and by whether the training went on."""
    latencies: dict[tuple[int, bool], list[float]] = {(hz, busy): [] for hz in RATES for busy in (False, True)}
    with ExitStack() as stack:
        with console.status("drawing frames"):
            frames = draw_frames()
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            draw_data(folder / "data")
        with console.status("starting the bridge and the training"):
            port = hear(stack.enter_context(process(serve, options.weights)))
            group = stack.enter_context(training(options.weights, folder))
        simulator = stack.enter_context(client(port))
        with Progress(console=console, transient=True) as progress:
            for _ in progress.track(range(ROUNDS), description="measuring"):
                for (hz, busy), took in latencies.items():
                    os.killpg(group, signal.SIGCONT if busy else signal.SIGSTOP)
                    took += turn(simulator, frames, 1 / hz, options.seconds / ROUNDS)
    return latencies


@contextmanager
def training(weights: str, folder: Path) -> Iterator[int]:
    """A training as the workshop runs it; gives its process group. Raises BenchmarkError when it does not begin."""
    job = BackgroundJob("model.train", max((os.cpu_count() or 2) // 2, 1))
    places = ["--run", str(folder / "run"), "--cache", str(folder / "cache")]
    job.start(["--init", weights, "--data", str(folder / "data"), "--minutes", "1000", "--no-validation", *places])
    try:
        while not any("validation frames;" in line for line in job.status()["lines"]):
            if not job.running:
                raise BenchmarkError("\n".join(job.status()["lines"]))
            time.sleep(0.5)
        time.sleep(SETTLED)
        yield job.pid
    finally:
        if job.running:
            os.killpg(job.pid, signal.SIGCONT)
        job.close()


def draw_data(folder: Path, count: int = 60) -> None:
    """Labelled frames of the stand-in."""
    from simulator.snapshots import Mixture, snapshots, write_snapshot

    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number, frame in enumerate(snapshots(count, 0, Mixture())):
        write_snapshot(folder, number, frame)


def table(latencies: dict[tuple[int, bool], list[float]]) -> Table:
    """The figures, and how many times as long as without a training."""
    drawn = Table(caption="x: times the latency without a training")
    for name in ("Hz", "training", "frames", "p10 ms", "x", "p50 ms", "x", "p99 ms", "x"):
        drawn.add_column(name, justify="right")
    for (hz, busy), took in latencies.items():
        figures = np.percentile(took, [10, 50, 99])
        alone = np.percentile(latencies[hz, False], [10, 50, 99])
        cells = [cell for pair in zip(figures, figures / alone, strict=True) for cell in pair]
        drawn.add_row(str(hz), "yes" if busy else "", str(len(took)), *(f"{cell:.2f}" for cell in cells))
    return drawn


if __name__ == "__main__":
    sys.exit(main())
