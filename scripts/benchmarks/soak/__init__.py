"""`python scripts/bench.py soak`: a follower for an hour, and whether it grows.

A follower with its dashboard and recorder runs in a process of its own. In cycles of ten seconds one to eight
simulators come, fly at 5 Hz and leave; clients send invalid messages (see `hostile`); every other cycle is recorded,
two of three have a viewer of the live page, and in the second one and every twelfth after it another copy of the model
is loaded and activated. After each cycle, when all have left, memory, Python's threads and open files of the follower
are noted.

The table has the first cycle, and sixths of the time: averages of what the follower occupies, and sums of frames, lost
connections of simulators, updates of the viewers' page and so on. Memory is compared between the second and the last
sixth, of an hour after 10 minutes and at its end, since caches fill at first. The exit status is 2 if it grew by more
than 5 %, threads or files were left over, a recording is missing or not intact, a cycle had no answered frame, a frame
or a connection was lost, a viewer received nothing, or the follower had an error or no longer answers.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from rich.progress import Progress

from config.numbers import real_number
from dataset.images import jpeg_defect, png_defect
from dataset.recordings.layout import recording_folders
from dataset.recordings.recording import Recording, find_recordings
from scripts.benchmarks.harness.bridges import process, receive, request, serve_follower
from scripts.benchmarks.harness.recorded_flights import Page
from scripts.benchmarks.harness.rounds import get_frames
from scripts.benchmarks.harness.simulators import BEGIN, END, FrameLog, Group, fly_simulators
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table
from scripts.benchmarks.hostile import CLIENTS, QUADSIM_HZ, Attacker, send_all
from scripts.benchmarks.soak.results import MEASURED, PARTS, Cycle, failures, growth, summarise, totals
from scripts.benchmarks.viewers import Viewer

SIMULATORS = 8
SETTLE_SECONDS = 2.0  # after a cycle, before it is measured
BAD_MESSAGES, BAD_RATE = 50, 100.0  # in each cycle; a second
FIRST_SWAP, SWAP_CYCLES = 1, 12  # the cycle of the first swap of the model, from one swap to the next


@dataclass(frozen=True)
class Participants:
    """The follower, and the simulators and hostile clients that come and go."""

    follower: Connection
    port: int
    folder: Path  # of its recordings
    driver: Connection  # of the simulators
    attackers: Sequence[Attacker]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=10.0, least=SETTLE_SECONDS + 2.0)
    parser.epilog = "--seconds is the length of a cycle; one with much to do takes longer."
    parser.add_argument("--minutes", type=real_number(0.1), default=60.0, help="of all cycles (default %(default)s)")


def benchmark(options: argparse.Namespace) -> object:
    """Run, print the results, and return them for JSON, with what grew or broke."""
    frames, count = get_frames(options), max(round(60 * options.minutes / options.seconds), PARTS)
    cycles: list[Cycle] = []
    problems: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        follower = stack.enter_context(process(serve_follower, options.weights, folder))
        port = receive(follower)
        driver = stack.enter_context(process(fly_simulators, frames))
        attackers = [Attacker(port, frames, seed) for seed in range(CLIENTS)]
        participants, began = Participants(follower, port, folder, driver, attackers), time.monotonic()
        try:
            with Progress(console=console, transient=True) as progress:
                for number in progress.track(range(count), description="flying"):
                    cycles.append(run_cycle(number, participants, options.seconds, began))
            problems += request(follower, "errors")
        except RuntimeError as error:
            problems.append(f"after {len(cycles)} of {count} cycles: {error}")
        recordings = check_recordings(folder)
    rows = summarise(cycles)
    if rows:
        everything = {"minutes": "all", **dict.fromkeys(MEASURED), **totals(cycles)}
        text = f"memory: megabytes; {recordings['intact']} of {recordings['recordings']} recordings are intact"
        print_table([*rows, everything], text)
    problems += failures(cycles) + growth(rows)
    if recordings["intact"] < recordings["recordings"]:
        problems.append(f"{recordings['recordings'] - recordings['intact']} recordings are not intact")
    return {"results": rows, "totals": totals(cycles), **recordings, "problems": problems}


def run_cycle(number: int, participants: Participants, seconds: float, start: float) -> Cycle:
    """Let simulators, a viewer and hostile clients come and go; `start` is the moment at which the first cycle began.

    Raises RuntimeError if the follower does not answer, or a process ended.
    """
    follower, port, driver = participants.follower, participants.port, participants.driver
    began, page, recorded = time.monotonic(), Page(port), number % 2 == 0
    earlier = len(recording_folders(participants.folder))
    if recorded:
        page.post("/api/recording/start", {"name": f"cycle{number}"})
    viewer = Viewer(port) if number % 3 else None
    request(driver, Group(port, range(random.Random(number).randint(1, SIMULATORS)), QUADSIM_HZ))
    request(driver, BEGIN)
    swaps = number % SWAP_CYCLES == FIRST_SWAP
    if swaps:
        request(follower, "swap")
    send_all(participants.attackers, BAD_MESSAGES, BAD_RATE)
    time.sleep(max(began + seconds - SETTLE_SECONDS - time.monotonic(), 0.0))
    logs: list[FrameLog] = request(driver, END)
    if viewer:
        viewer.close()
    if recorded:
        page.post("/api/recording/stop", {})
    time.sleep(SETTLE_SECONDS)
    sent, answered = sum(log.sent for log in logs), sum(log.outcomes["answered"] for log in logs)
    skipped = sum(log.outcomes["skipped"] for log in logs)
    return Cycle(
        began=(began - start) / 60,
        ended=(time.monotonic() - start) / 60,
        sent=sent,
        answered=answered,
        skipped=skipped,
        lost=sent - answered - skipped,
        served=sum(log.outcomes["answered"] > 0 for log in logs),
        reconnections=sum(log.reconnections for log in logs),
        updates=viewer.frames if viewer else None,
        recordings=len(recording_folders(participants.folder)) - earlier if recorded else None,
        swaps=int(swaps),
        bad_messages=BAD_MESSAGES,
        **{name: request(follower, name) or 0 for name in MEASURED},
    )


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
