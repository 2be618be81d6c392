"""`python scripts/bench.py follow`: tracking quality in seeded episodes of the built-in simulator.

The agents fly the same cities and crowds with the same network; "original" is the baseline, the agent of 2017. Frames
and commands take the forms they have on the wire, JPEG included, but no socket: the commands for a frame are applied
before the next one, so that the same seeds give the same flights.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.progress import track
from rich.table import Table

from config.paths import path_of
from follower.agent import FollowAgent
from follower.types import Command, Frame, ObjectDetected, ObjectLost
from model.inference.load import load_segmenter
from scripts.benchmarks.follow_metrics import FAR, NEAR, FollowResult, Moment, measure, overall
from scripts.benchmarks.harness.terminal import at_least, between, console
from scripts.benchmarks.original import OriginalAgent
from sim_bridge.wire.messages import parse_sensor_frame
from simulator.difficulty.levels import LEVELS, describe_levels
from simulator.difficulty.link import Link
from simulator.episode import Episode
from simulator.flight import LOCKSTEP_EPOCH
from simulator.link.commands import SPEED_RANGE
from simulator.link.frames import sensor_frame
from simulator.rendering.renderer import Renderer
from simulator.rules import OWN, QUADSIM, Rules
from simulator.types import Observation

HZ = 5.0
AGENTS = ("ours", "original")

Segment = Callable[[Frame, Observation], np.ndarray]  # returns class probabilities, (rows, columns, 3)
Step = Callable[[Frame, np.ndarray], Sequence[Command]]
Flights = dict[str, dict[int, list[Moment]]]  # by agent and seed


def fly(
    agent: str,
    seed: int,
    seconds: float,
    people: int | None,
    weights: str | None,
    rules: Rules = OWN,
    speed: float = 1.0,
    difficulty: str = "plain",
) -> list[Moment]:
    """Fly one episode and return its log; without `weights`, ground-truth masks replace the network.

    Without `people` there are as many as the difficulty has. At another `speed`, frames and their timestamps keep to
    the wall clock, as QuadSim's do.
    """
    step, segment = _make_agent(agent), _network(weights) if weights else _perfect
    level = LEVELS[difficulty]
    city, link = level.city(seed), level.link(seed)
    with closing(Renderer(city)) as renderer:
        episode = Episode(city, renderer, level.people if people is None else people, level.rules(seed, rules))
        return [_fly_frame(episode, link, step, segment, speed) for _ in range(round(seconds * HZ / speed))]


def _make_agent(name: str) -> Step:
    if name == "original":
        return OriginalAgent().step
    agent = FollowAgent()
    return lambda frame, probabilities: agent.step(frame, probabilities).commands


def _fly_frame(episode: Episode, link: Link[Observation], step: Step, segment: Segment, speed: float) -> Moment:
    """Send a frame, and log its moment with what is reported until the next one."""
    observation = episode.observe()
    link.send(observation, observation.time)
    reported, reported_lost = None, False
    for arrived in link.carry(episode, speed / HZ):
        epoch = LOCKSTEP_EPOCH + arrived.time / speed - arrived.time
        frame = parse_sensor_frame((sensor_frame(arrived, epoch),))
        for command in step(frame, segment(frame, arrived)):
            if isinstance(command, ObjectDetected):
                reported = command.coords
                episode.target_detected(reported)
            elif isinstance(command, ObjectLost):
                reported_lost = True
                episode.target_lost()
    followed = reported or observation.reported
    return Moment(
        time=observation.time,
        following=followed is not None and not reported_lost,
        target_visible=observation.target_visible,
        target=observation.target_centre,
        distance=observation.target_distance,
        reported=reported,
        followed=followed,
        nearest_is_target=followed is not None and observation.nearest_person(followed).is_target,
        reported_lost=reported_lost,
        collisions=observation.collisions,
    )


def _perfect(frame: Frame, observation: Observation) -> np.ndarray:
    assert observation.rendered is not None
    return (observation.rendered.mask > 0).astype(np.float32)


@cache
def _network(weights: str) -> Segment:
    """Return the network, loaded once in each process."""
    segmenter = load_segmenter(weights, threads=1, for_flight=True)
    return lambda frame, observation: segmenter.predict(frame.image[None])[0]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    parser.add_argument("--perfect", action="store_true", help="use the ground truth mask instead of a network")
    parser.add_argument("--episodes", type=at_least(1), default=10, help="default %(default)s")
    parser.add_argument("--first-seed", type=int, default=100, help="of consecutive ones (default %(default)s)")
    parser.add_argument("--seconds", type=at_least(1.0), default=120.0, help="simulated, each (default %(default)s)")
    parser.add_argument("--difficulty", choices=LEVELS, default="plain", metavar="LEVEL", help="see below")
    parser.epilog = describe_levels()
    parser.add_argument("--people", type=at_least(0), help="default: the difficulty's number")
    parser.add_argument("--like-quadsim", action="store_true", help="QuadSim's crowd, patrol and lock-on")
    parser.add_argument("--speed", type=between(*SPEED_RANGE), default=1.0, help="simulated seconds per second")
    parser.add_argument("--agents", nargs="+", choices=AGENTS, default=list(AGENTS))
    parser.add_argument("--processes", type=at_least(1), default=2, help="default %(default)s")
    parser.add_argument("--out", type=path_of, help="folder for follow.json and follow.png")


def benchmark(options: argparse.Namespace) -> None:
    """Fly all episodes with all agents, and report."""
    seeds = range(options.first_seed, options.first_seed + options.episodes)
    pairs = [(agent, seed) for seed in seeds for agent in options.agents]
    weights = None if options.perfect else options.weights
    rules = QUADSIM if options.like_quadsim else OWN
    job = partial(
        fly,
        seconds=options.seconds,
        people=options.people,
        weights=weights,
        rules=rules,
        speed=options.speed,
        difficulty=options.difficulty,
    )
    flights: Flights = {agent: {} for agent in options.agents}
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        logs = track(pool.map(job, *zip(*pairs, strict=True)), "flying", total=len(pairs), console=console)
        for (agent, seed), log in zip(pairs, logs, strict=True):
            flights[agent][seed] = log
    results = {agent: {seed: measure(log) for seed, log in logs.items()} for agent, logs in flights.items()}
    _print(results)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        content = {
            "settings": {key: str(value) for key, value in vars(options).items()},
            "overall": {agent: asdict(overall(list(rows.values()))) for agent, rows in results.items()},
            "episodes": {agent: {seed: asdict(row) for seed, row in rows.items()} for agent, rows in results.items()},
        }
        content = json.loads(json.dumps(content), parse_constant=lambda nan: None)  # JSON has no NaN
        (options.out / "follow.json").write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
        _plot(flights, options.out / "follow.png")
        console.print(f"figures and plot: {options.out}")


def _print(results: dict[str, dict[int, FollowResult]]) -> None:
    for agent, rows in results.items():
        columns = {"all": overall(list(rows.values()))} | {str(seed): row for seed, row in rows.items()}
        table = Table(title=agent, title_justify="left", box=None, header_style="bold", padding=(0, 1, 0, 0))
        table.add_column("seed", no_wrap=True)
        for name in columns:
            table.add_column(name, justify="right", no_wrap=True)
        for figures in zip(*(result.rows() for result in columns.values()), strict=True):
            table.add_row(figures[0][0], *(value for _, value in figures))
        console.print(table, "")


def _plot(flights: Flights, path: Path) -> None:
    """Plot the distance to the target over time, a line for each seed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(flights), 1, figsize=(10, 3.2 * len(flights)), sharex=True, layout="constrained")
    for axis, (agent, logs) in zip(np.atleast_1d(axes), flights.items(), strict=True):
        axis.axhspan(NEAR, FAR, color="tab:green", alpha=0.12)
        for log in logs.values():
            axis.plot([moment.time for moment in log], [moment.distance for moment in log], linewidth=1, alpha=0.7)
        axis.set(title=agent, ylabel="metres to the target", yscale="log", ylim=(1, 150))
        axis.grid(alpha=0.3)
    np.atleast_1d(axes)[-1].set_xlabel("simulated seconds")
    figure.savefig(path, dpi=110)
    plt.close(figure)
