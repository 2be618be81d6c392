"""Frames to send, and their latencies, measured in rounds.

Variants take turns in short rounds, in alternating order, so that other load on the machine affects all of them alike.
"""

import argparse
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.progress import Progress

from model.inference.quiet_tensorflow import suppressed_stderr
from model.weights.find import find_weights
from scripts.benchmarks.harness.bridges import ANSWER_TIMEOUT
from scripts.benchmarks.harness.terminal import console
from simulator.episode import Episode
from simulator.flight import LOCKSTEP_EPOCH
from simulator.link.client import Client
from simulator.link.commands import FRAME_DONE
from simulator.link.frames import event, sensor_frame
from simulator.rendering.renderer import Renderer
from simulator.slideshow import Slideshow
from simulator.world.city_generator import generate_city

DRAWN_HZ = 5.0
WARM_UP_FRAMES = 5  # at the start of each round, not counted
UNTHROTTLED = math.inf  # Hz: each frame as soon as the previous one is answered
PERCENTILES = (10, 50, 99)  # the first one is hardly affected by other load on the machine

Variant = TypeVar("Variant")
Frames = list[dict[str, str]]  # payloads
Rounds = list[list[float]]  # milliseconds of each frame, by round


def get_frames(options: argparse.Namespace) -> Frames:
    """Return the frames of the folder in the options, or else views of the built-in simulator, which take a while.

    Raises WeightsError before that if the weights in the options do not exist.
    """
    find_weights(options.weights)
    with console.status("drawing frames"):
        return read_frames(options.frames) if options.frames else draw_frames()


def read_frames(folder: Path, limit: int = 100) -> Frames:
    """Return the first pictures of a folder. Raises SlideshowError if there are none."""
    slideshow = Slideshow(folder, DRAWN_HZ)
    frames: Frames = []
    while not slideshow.ended and len(frames) < limit:
        frames.append(sensor_frame(slideshow.observe(), LOCKSTEP_EPOCH))
        slideshow.step(1 / DRAWN_HZ)
    return frames


def draw_frames(count: int = 40, after: float = 20.0) -> Frames:
    """Return views of a quad that has followed the target for `after` seconds. Raises RendererError."""
    city = generate_city(0)
    with suppressed_stderr():  # Panda3D reports that there is no display, although it needs none
        renderer = Renderer(city)
    frames: Frames = []
    with closing(renderer):
        episode = Episode(city, renderer)
        while len(frames) < count:
            observation = episode.observe()
            if episode.time > after:
                frames.append(sensor_frame(observation, LOCKSTEP_EPOCH))
            episode.target_detected(observation.target_centre)
            episode.step(1 / DRAWN_HZ)
    return frames


def run_rounds(
    rates: Sequence[float], variants: Sequence[Variant], count: int, run_round: Callable[[float, Variant], list[float]]
) -> dict[tuple[float, Variant], Rounds]:
    """Run `count` rounds of all variants at all rates (Hz); return the latencies of each."""
    results: dict[tuple[float, Variant], Rounds] = {(hz, variant): [] for hz in rates for variant in variants}
    there_and_back = [variants[:: -1 if number % 2 else 1] for number in range(count)]
    schedule = [(hz, variant) for hz in rates for turn in there_and_back for variant in turn]
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

    `comparison` is its name, and a function of a percentile of the variant and of the baseline. `describe` returns the
    columns that describe a variant.
    """
    (name, compare), rows = comparison, []
    for (hz, variant), rounds in results.items():
        latencies, reference = np.concatenate(rounds), np.concatenate(results[hz, baseline])
        row = {"pace": name_pace(hz), **describe(variant), "frames": len(latencies)}
        for percentile in PERCENTILES:
            value = row[f"p{percentile}"] = float(np.percentile(latencies, percentile))
            row[f"p{percentile}_{name}"] = compare(value, float(np.percentile(reference, percentile)))
        rows.append(row)
    return rows


def name_pace(hz: float) -> str:
    """Return the name of a rate for tables."""
    return "unthrottled" if hz == UNTHROTTLED else f"{hz:g} Hz"


def send_frames(
    client: Client, frames: Frames, hz: float, seconds: float, on_start: Callable[[], object] = lambda: None
) -> list[float]:
    """Send frames in turn at `hz` (or UNTHROTTLED); return the latency of each, milliseconds.

    `seconds` count from the first frame after the warm-up, before which `on_start` is called. Raises RuntimeError if
    a frame cannot be sent, or is not answered.
    """
    packets = [event("sensor_frame", frame, number) for number, frame in enumerate(frames)]
    latencies: list[float] = []
    number, end = 0, math.inf
    due = time.perf_counter()
    while time.perf_counter() < end:
        time.sleep(max(due - time.perf_counter(), 0))
        id = number % len(packets)
        started = time.perf_counter()
        if not client.send(packets[id]):
            raise RuntimeError(f"the connection to {client.address} was lost")
        command = None
        while command is None or command.name != FRAME_DONE or command.values["id"] != id:
            command = client.next_command(ANSWER_TIMEOUT)
            if command is None:
                raise RuntimeError(f"a frame was not answered within {ANSWER_TIMEOUT:g} s")
        done = time.perf_counter()
        number += 1
        if number > WARM_UP_FRAMES:
            latencies.append((done - started) * 1000)
        elif number == WARM_UP_FRAMES:
            on_start()
            end = time.perf_counter() + seconds
        due = max(due + 1 / hz, done)
    return latencies
