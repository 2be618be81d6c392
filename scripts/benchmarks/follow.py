"""`python scripts/bench.py follow`: flies seeded episodes of the stand-in, ours beside the original's way.

Both see the same city, crowd and network. Frames and commands take the forms they have on the wire, JPEG included, but
no socket: the answer to a frame is obeyed before the next one, so that the same seeds give the same flights.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from scripts.benchmarks.follow_metrics import FAR, NEAR, RANGES, FollowResult, Moment, measure, overall

HZ = 5.0
AGENTS = ("ours", "original")
console = Console(width=None if sys.stdout.isatty() else 120)


def fly(agent_name: str, seed: int, seconds: float, segment: Callable, people: int = 60) -> list[Moment]:
    """One episode. `segment`: (frame, observation) -> (rows, columns, 3) probabilities."""
    from follower.agent import FollowAgent
    from follower.types import ObjectDetected, ObjectLost
    from scripts.benchmarks.original_agent import OriginalAgent
    from sim_bridge.wire.messages import parse_sensor_frame
    from simulator.episode import Episode
    from simulator.flight import LOCKSTEP_EPOCH
    from simulator.link.frames import sensor_frame
    from simulator.rendering.renderer import make_renderer
    from simulator.world.city_generator import generate_city

    city = generate_city(seed)
    episode = Episode(seed, city=city, renderer=make_renderer(city), people=people)
    agent = FollowAgent() if agent_name == "ours" else OriginalAgent()
    moments = []
    for _ in range(round(seconds * HZ)):
        seen = episode.observe()
        frame = parse_sensor_frame((sensor_frame(seen, LOCKSTEP_EPOCH),))
        probabilities = segment(frame, seen)
        decision = agent.step(frame, probabilities)
        commands = decision.commands if agent_name == "ours" else decision
        reported = next((c.coords for c in commands if isinstance(c, ObjectDetected)), None)
        said_lost = any(isinstance(c, ObjectLost) for c in commands)
        if reported is not None:
            episode.target_detected(reported)
        if said_lost:
            episode.target_lost()
        after = reported or seen.reported
        moments.append(
            Moment(
                time=seen.time,
                following=after is not None and not said_lost,
                hero_visible=seen.target_visible,
                hero=seen.target_centre,
                distance=seen.target_distance,
                reported=reported,
                believed=after,
                nearest_is_hero=after is not None and seen.nearest_person(after).is_target,
                said_lost=said_lost,
                collisions=seen.collisions,
            )
        )
        episode.step(1 / HZ)
    return moments


def _perfect(frame, seen) -> np.ndarray:
    return (seen.rendered.mask > 0).astype(np.float32)


@cache
def _network(weights: str) -> Callable:
    """One network for each process, whatever it flies."""
    from model.inference.quiet_tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    from model.inference.segmenter import Segmenter

    segmenter = Segmenter(weights, threads=1)
    return lambda frame, seen: segmenter.predict(frame.image[None])[0]


def _job(task: tuple[str, int, float, str | None, int]) -> tuple[str, int, list[Moment]]:
    agent_name, seed, seconds, weights, people = task
    segment = _perfect if weights is None else _network(weights)
    return agent_name, seed, fly(agent_name, seed, seconds, segment, people)


def main(arguments: Sequence[str] | None = None) -> int:
    """Flies, prints the tables, writes the figures and the plot."""
    parser = argparse.ArgumentParser(
        prog="python scripts/bench.py follow", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    parser.add_argument("--perfect", action="store_true", help="the simulator's own mask instead of a network")
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=100, help="seeds from here on (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=120.0, help="simulated, each (default %(default)s)")
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--agents", nargs="+", choices=AGENTS, default=list(AGENTS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for follow.json and follow.png")
    options = parser.parse_args(arguments)
    if options.episodes < 1 or options.seconds < 1:
        parser.error("expected at least one episode of at least one second")
    if options.processes < 1 or options.people < 0:
        parser.error("expected at least one process, and no fewer than 0 people")
    weights = None if options.perfect else options.weights
    seeds = range(options.first_seed, options.first_seed + options.episodes)
    tasks = [(agent, seed, options.seconds, weights, options.people) for seed in seeds for agent in options.agents]
    flights: dict[str, dict[int, list[Moment]]] = {agent: {} for agent in options.agents}
    try:
        with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
            for agent, seed, moments in track(pool.map(_job, tasks), "flying", total=len(tasks), console=console):
                flights[agent][seed] = moments
    except (ValueError, RuntimeError, OSError) as error:  # WeightsError, RendererError, a process that was killed
        print(f"bench follow: {error}", file=sys.stderr)
        return 2
    results = {agent: {seed: measure(log) for seed, log in logs.items()} for agent, logs in flights.items()}
    _print(results)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        content = {
            "settings": {key: str(value) for key, value in vars(options).items()},
            "overall": {agent: asdict(overall(list(rows.values()))) for agent, rows in results.items()},
            "episodes": {agent: {seed: asdict(row) for seed, row in rows.items()} for agent, rows in results.items()},
        }
        (options.out / "follow.json").write_text(json.dumps(_as_json(content), indent=1, allow_nan=False) + "\n")
        _plot(flights, options.out / "follow.png")
        console.print(f"figures and plot: {options.out}")
    return 0


def _as_json(value: object) -> object:
    """The same with None for NaN, for which JSON has no word."""
    if isinstance(value, dict):
        return {key: _as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return None if isinstance(value, float) and np.isnan(value) else value


FIGURES = (  # heading, field, factor, digits
    ("first detection, s", "first_detection", 1, 1),
    ("hero in view since then, %", "in_view", 100, 1),
    (f"at {NEAR:g}-{FAR:g} m since then, %", "within", 100, 1),
    ("times lost", "losses", 1, 1),
    ("back after, s", "reacquired_after", 1, 1),
    ("somebody else followed, s", "wrong_seconds", 1, 1),
    ("  longest, s", "longest_wrong", 1, 1),
    ("error within 20 m, median, m", "error_median", 1, 2),
    ("error within 20 m, p95, m", "error_p95", 1, 2),
    *(
        (f"  {name} at {low}-{high} m, m", (f"error_{name}_by_range", k), 1, 2)
        for k, (low, high) in enumerate(RANGES)
        for name in ("median", "p95")
    ),
    ("collisions", "collisions", 1, 1),
)


def _print(results: dict[str, dict[int, FollowResult]]) -> None:
    for agent, rows in results.items():
        columns = {"all": overall(list(rows.values()))} | {str(seed): row for seed, row in rows.items()}
        table = Table(title=agent, title_justify="left", box=None, header_style="bold", padding=(0, 1, 0, 0))
        table.add_column("seed", no_wrap=True)
        for name in columns:
            table.add_column(name, justify="right", no_wrap=True)
        for heading, field, factor, digits in FIGURES:
            cells = []
            for result in columns.values():
                value = getattr(result, field) if isinstance(field, str) else getattr(result, field[0])[field[1]]
                cells.append("-" if np.isnan(value) else f"{factor * value:.{digits}f}")
            table.add_row(heading, *cells)
        console.print(table, "")


def _plot(flights: dict[str, dict[int, list[Moment]]], path: Path) -> None:
    """Distance to the hero over time, a line for each seed; darker where she is in the picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(flights), 1, figsize=(10, 3.2 * len(flights)), sharex=True, layout="constrained")
    for axis, (agent, logs) in zip(np.atleast_1d(axes), flights.items(), strict=True):
        axis.axhspan(NEAR, FAR, color="tab:green", alpha=0.12)
        for log in logs.values():
            axis.plot([m.time for m in log], [m.distance for m in log], linewidth=1, alpha=0.7)
        axis.set(title=agent, ylabel="metres to the hero", yscale="log", ylim=(1, 150))
        axis.grid(alpha=0.3)
    np.atleast_1d(axes)[-1].set_xlabel("simulated seconds")
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
