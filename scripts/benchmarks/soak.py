"""`python scripts/bench.py soak`: a follower for an hour, and whether it grows.

A follower with its dashboard and recorder runs in a process of its own. In cycles of ten seconds one to eight
simulators come, fly at 5 Hz and leave; clients send invalid messages (see `hostile`); every other cycle is recorded,
two of three have a viewer of the live page, and at times another copy of the model is loaded and activated. After each
cycle, when all have left, memory, Python's threads and open files of the follower are noted.

The table has the first cycle, and the averages of sixths of the time. Memory is compared between the second and the
last sixth, of an hour after 10 minutes and at its end, since caches fill at first. The exit status is 2 if it grew by
more than 5 %, threads or files were left over, a recording is not intact, or the follower had an error.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np
from rich.progress import Progress

from config.numbers import real_number
from dataset.images import jpeg_defect, png_defect
from dataset.recordings.recording import Recording, find_recordings
from scripts.benchmarks.harness.bridges import process, receive, request, serve_follower
from scripts.benchmarks.harness.rounds import get_frames
from scripts.benchmarks.harness.simulators import BEGIN, END, Group, fly_simulators
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table
from scripts.benchmarks.hostile import CLIENTS, QUADSIM_HZ, Attacker, send_all
from scripts.benchmarks.viewers import Viewer

SIMULATORS = 8
SETTLE_SECONDS = 2.0  # after a cycle, before it is measured
BAD_MESSAGES, BAD_RATE = 50, 100.0  # in each cycle; a second
SWAP_CYCLES = 12  # from one swap of the model to the next
PARTS = 6  # lines of the table
MAX_GROWTH = 1.05
MEASURED = ("memory", "threads", "files")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=10.0)
    parser.epilog = "--seconds is the length of a cycle."
    parser.add_argument("--minutes", type=real_number(0.1), default=60.0, help="in all (default %(default)s)")


def benchmark(options: argparse.Namespace) -> object:
    """Run, print the results, and return them for JSON. Raises RuntimeError if something grew or broke."""
    frames, cycles = get_frames(options), max(round(60 * options.minutes / options.seconds), PARTS)
    samples: list[dict[str, float]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bridge = stack.enter_context(process(serve_follower, options.weights, folder))
        port = receive(bridge)
        driver = stack.enter_context(process(fly_simulators, frames))
        attackers = [Attacker(port, frames, seed) for seed in range(CLIENTS)]
        with Progress(console=console, transient=True) as progress:
            for number in progress.track(range(cycles), description="flying"):
                run_cycle(number, bridge, driver, port, attackers, options.seconds - SETTLE_SECONDS)
                time.sleep(SETTLE_SECONDS)
                samples.append({name: request(bridge, name) or 0 for name in MEASURED})
        errors = request(bridge, "errors")
        recordings = check_recordings(folder)
    rows = summarise(samples, options.seconds)
    print_table(rows, f"memory: megabytes; {recordings['intact']} of {recordings['recordings']} recordings are intact")
    problems = [*errors, *growth(rows)]
    if recordings["intact"] < recordings["recordings"] or not recordings["recordings"]:
        problems.append(f"recordings: {recordings}")
    if problems:
        raise RuntimeError("; ".join(problems))
    return {"results": rows, **recordings}


def run_cycle(
    number: int, bridge: Connection, driver: Connection, port: int, attackers: Sequence[Attacker], seconds: float
) -> None:
    """Let simulators, viewers and hostile clients come and go."""
    end, recorded = time.monotonic() + seconds, number % 2 == 0
    if recorded:
        post(port, "/api/recording/start", {"name": f"cycle{number}"})
    viewers = [Viewer(port)] if number % 3 else []
    request(driver, Group(port, range(random.Random(number).randint(1, SIMULATORS)), QUADSIM_HZ))
    request(driver, BEGIN)
    if number % SWAP_CYCLES == SWAP_CYCLES // 2:
        request(bridge, "swap")
    send_all(attackers, BAD_MESSAGES, BAD_RATE)
    time.sleep(max(end - time.monotonic(), 0.0))
    request(driver, END)
    for viewer in viewers:
        viewer.close()
    if recorded:
        post(port, "/api/recording/stop", {})


def post(port: int, path: str, body: dict[str, object]) -> None:
    """Send an HTTP call. Raises OSError if it is refused."""
    call = Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with build_opener(ProxyHandler({})).open(call, timeout=10) as answer:
        answer.read()


def check_recordings(folder: Path) -> dict[str, int]:
    """Return how many recordings there are, and how many are finished, with every file readable."""
    recordings = find_recordings(folder)
    return {"recordings": len(recordings), "intact": sum(map(is_intact, recordings))}


def is_intact(recording: Recording) -> bool:
    """Return whether a recording was finished, and all of its lines and files can be read."""
    if recording.state != "finished" or recording.unreadable or not recording.frames:
        return False
    files = [recording.path / file for frame in recording.frames for file in frame.files()]
    return not any(
        (jpeg_defect if file.suffix == ".jpeg" else png_defect)(file.read_bytes()) if file.is_file() else "missing"
        for file in files
    )


def summarise(samples: Sequence[dict[str, float]], seconds: float) -> list[dict[str, Any]]:
    """Return the lines of the table: the first cycle, and averages of equal parts."""
    rows: list[dict[str, Any]] = [{"minutes": f"{seconds / 60:.1f}", **samples[0]}]
    for part in np.array_split(np.arange(len(samples)), PARTS):
        minutes = f"{part[0] * seconds / 60:.1f}-{(part[-1] + 1) * seconds / 60:.1f}"
        rows.append(
            {"minutes": minutes, **{name: float(np.mean([samples[k][name] for k in part])) for name in MEASURED}}
        )
    return rows


def growth(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return what the last part has too much of, compared with the second one."""
    before, last = rows[2], rows[-1]
    problems = []
    if last["memory"] > MAX_GROWTH * before["memory"]:
        problems.append(f"memory grew from {before['memory']:.0f} to {last['memory']:.0f} MB")
    for name in ("threads", "files"):
        if last[name] > before[name] + 1:
            problems.append(f"{name} were left over: {before[name]:.1f}, then {last[name]:.1f}")
    return problems
