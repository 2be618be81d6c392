"""`python scripts/bench.py render`: rendering speed of the built-in simulator on one core: colour, depth and mask."""

import argparse
import time
from collections.abc import Sequence

import numpy as np

from config.numbers import whole_number
from scripts.benchmarks.harness.terminal import console, print_table
from simulator.rendering.renderer import RENDERERS, Renderer
from simulator.snapshots import Mixture, Scene, random_scene
from simulator.world.city_generator import generate_city

VIEWS = {  # fraction of the views with the target, fraction of those with it far away
    "patrol": (0.0, 0.0),
    "target near": (1.0, 0.0),
    "target far": (1.0, 1.0),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument(
        "--frames", type=whole_number(1), default=100, help="of each kind of view (default %(default)s)"
    )
    parser.add_argument("--people", type=whole_number(), default=60, help="default %(default)s")
    parser.add_argument(
        "--seed", type=whole_number(), default=0, help="of the city and the views (default %(default)s)"
    )
    parser.add_argument("--renderer", choices=RENDERERS, default="auto", help="default %(default)s")


def benchmark(options: argparse.Namespace) -> None:
    """Render views of all kinds, and print the table."""
    started = time.perf_counter()
    city = generate_city(options.seed)
    drawer = Renderer(city, options.renderer)
    startup = time.perf_counter() - started
    times = {}
    for name, (target, far) in VIEWS.items():
        random = np.random.default_rng([options.seed, 23])
        mixture = Mixture(target_fraction=target, far_fraction=far, people=options.people)
        scenes = [random_scene(city, mixture, random) for _ in range(options.frames)]
        drawer.render(*scenes[0])
        times[name] = _time(drawer, scenes)
    times["all"] = np.concatenate(list(times.values()))
    rows = [
        {
            "views": name,
            "frames/s of one core": float(1e3 / cpu.mean()),
            "CPU p50": float(np.median(cpu)),
            "CPU p95": float(np.percentile(cpu, 95)),
            "wall p50": float(np.median(wall)),
        }
        for name, (cpu, wall) in ((name, each.T) for name, each in times.items())
    ]
    print_table(rows, "milliseconds")
    console.print(f"{options.people} people, 256x256, seed {options.seed}; city and renderer made in {startup:.1f} s")


def _time(drawer: Renderer, scenes: Sequence[Scene]) -> np.ndarray:
    """Return CPU and wall time of each scene, (n, 2) milliseconds."""
    times = []
    for scene in scenes:
        cpu, wall = time.process_time(), time.perf_counter()
        drawer.render(*scene)
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
    return 1e3 * np.array(times)
