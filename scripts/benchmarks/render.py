"""`python scripts/bench.py render`: how fast the stand-in draws colour, depth and mask on one core."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

VIEWS = {"patrol": (0.0, 0.0), "hero near": (1.0, 0.0), "hero far": (1.0, 1.0)}  # share with the hero, of those far


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit status."""
    from simulator.rendering.renderer import RENDERERS, make_renderer
    from simulator.snapshots import Mixture, random_scene
    from simulator.world.city_generator import generate_city
    from simulator.world.obstacles import Obstacles

    parser = argparse.ArgumentParser(prog="python scripts/bench.py render", description=__doc__.split(": ", 1)[1])
    parser.add_argument("--frames", type=int, default=100, help="of each kind of view (default %(default)s)")
    parser.add_argument("--people", type=int, default=60, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the city and the views (default %(default)s)")
    parser.add_argument("--renderer", choices=RENDERERS, default="auto", help="default %(default)s")
    options = parser.parse_args(arguments)

    begin = time.perf_counter()
    try:
        city = generate_city(options.seed)
        renderer, obstacles = make_renderer(city, options.renderer), Obstacles(city.boxes)
    except (ValueError, RuntimeError) as error:
        print(f"bench render: {error}", file=sys.stderr)
        return 2
    made = time.perf_counter() - begin
    table = Table(
        "views", "frames/s of one core", "CPU ms: median", "p95", "wall ms: median", title="colour + depth + mask"
    )
    total = []
    for name, (target, far) in VIEWS.items():
        random = np.random.default_rng([options.seed, 23])
        mixture = Mixture(target_fraction=target, far_fraction=far, people=options.people)
        moments = [random_scene(city, obstacles, mixture, random) for _ in range(options.frames)]
        renderer.render(*moments[0])
        cpu, wall = _time([lambda moment=moment: renderer.render(*moment) for moment in moments])
        total.append(cpu)
        table.add_row(name, *_cells(cpu), f"{np.median(wall):.1f}")
    table.add_section()
    table.add_row("all", *_cells(np.concatenate(total)), "")
    console = Console()
    console.print(table)
    console.print(f"{options.people} people, 256x256, seed {options.seed}; city and renderer made in {made:.1f} s")
    return 0


def _time(calls: Sequence[Callable[[], object]]) -> tuple[np.ndarray, np.ndarray]:
    """CPU and wall milliseconds of each call."""
    cpu, wall = [], []
    for call in calls:
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        call()
        cpu.append((time.process_time() - cpu_start) * 1e3)
        wall.append((time.perf_counter() - wall_start) * 1e3)
    return np.array(cpu), np.array(wall)


def _cells(cpu: np.ndarray) -> list[str]:
    return [f"{1e3 / cpu.mean():.0f}", f"{np.median(cpu):.1f}", f"{np.percentile(cpu, 95):.1f}"]


if __name__ == "__main__":
    sys.exit(main())
