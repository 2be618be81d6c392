"""Latencies of frames, measured in rounds.

A frame's latency is the time from before its first byte is sent until its acknowledgement, which follows its commands.
Variants take turns in short rounds, in alternating order, so that other load on the machine affects all of them alike.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from rich.progress import Progress

from scripts.benchmarks.harness.bridge import ANSWER_TIMEOUT
from scripts.benchmarks.harness.command import console
from scripts.benchmarks.harness.processes import BenchmarkError
from simulator.link.client import Client
from simulator.link.commands import FrameDone
from simulator.link.frames import event

WARM_UP_FRAMES = 5  # at the start of each round, not counted
UNTHROTTLED = math.inf  # Hz: each frame as soon as the last one is answered
PERCENTILES = (10, 50, 99)  # the first one is hardly affected by other load on the machine

Variant = TypeVar("Variant")
Rounds = list[list[float]]  # milliseconds of each frame, by round


def run_rounds(
    rates: Sequence[float],
    variants: Sequence[Variant],
    count: int,
    run_round: Callable[[float, Variant], list[float]],
) -> dict[tuple[float, Variant], Rounds]:
    """Run `count` rounds of all variants at all rates (Hz); return the latencies of each."""
    results: dict[tuple[float, Variant], Rounds] = {(hz, variant): [] for hz in rates for variant in variants}
    schedule = [
        (hz, variant) for hz in rates for number in range(count) for variant in variants[:: -1 if number % 2 else 1]
    ]
    with Progress(console=console, transient=True) as progress:
        for hz, variant in progress.track(schedule, description="measuring"):
            results[hz, variant].append(run_round(hz, variant))
    return results


def summarise(
    results: Mapping[tuple[float, Variant], Rounds],
    baseline: Variant,
    comparison: tuple[str, Callable[[float, float], float]],
    describe: Callable[[Variant], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return a row for each rate and variant: percentiles, milliseconds, and their comparison with the baseline.

    Args:
        results: of `run_rounds`.
        baseline: variant to compare with.
        comparison: its name, and a function of a percentile of the variant and of the baseline.
        describe: returns the columns that describe a variant.
    """
    (name, compare), rows = comparison, []
    for (hz, variant), rounds in results.items():
        latencies, reference = np.concatenate(rounds), np.concatenate(results[hz, baseline])
        pace = "unthrottled" if hz == UNTHROTTLED else f"{hz:g} Hz"
        row = {"pace": pace, **describe(variant), "frames": len(latencies)}
        for percentile in PERCENTILES:
            value = row[f"p{percentile}"] = float(np.percentile(latencies, percentile))
            row[f"p{percentile}_{name}"] = compare(value, float(np.percentile(reference, percentile)))
        rows.append(row)
    return rows


def send_frames(
    client: Client,
    frames: Sequence[Mapping[str, str]],
    hz: float,
    seconds: float,
    on_start: Callable[[], object] = lambda: None,
) -> list[float]:
    """Send frames for some seconds; return the latency of each, milliseconds.

    Args:
        client: connected to the server.
        frames: payloads, sent in turn.
        hz: frames a second, or UNTHROTTLED.
        seconds: from the first frame that counts.
        on_start: called before that frame.

    Raises:
        BenchmarkError: a frame is not answered.
    """
    packets = [event("sensor_frame", frame, number) for number, frame in enumerate(frames)]
    latencies: list[float] = []
    number, end = 0, math.inf
    due = time.perf_counter()
    while time.perf_counter() < end:
        time.sleep(max(due - time.perf_counter(), 0))
        id = number % len(packets)
        started = time.perf_counter()
        client.send(packets[id])
        while (command := client.next_command(ANSWER_TIMEOUT)) != FrameDone(id):
            if command is None:
                raise BenchmarkError(f"a frame was not answered within {ANSWER_TIMEOUT:g} s")
        done = time.perf_counter()
        number += 1
        if number > WARM_UP_FRAMES:
            latencies.append((done - started) * 1000)
        elif number == WARM_UP_FRAMES:
            on_start()
            end = time.perf_counter() + seconds
        due = max(due + 1 / hz, done)
    return latencies
