"""`python scripts/bench.py follow`: how well agents follow, in seeded flights of the built-in simulator.

The agents fly the same cities and crowds: "ours"; "no-memory", which decides on each frame by itself; "original", the
agent of 2017; "scripted", which knows the true position; and FILE.py:CLASS of your own. The first three use the same
network. Pictures and commands take the forms they have on the wire, but no socket: flights are faster than real time on
an idle core, and the same seeds give the same flights. docs/reference/metrics.md explains the figures.
"""

import argparse
import os

from rich.progress import track

import follower
import gym_follow
import model.inference
import sim_bridge.wire
import simulator
from config.numbers import real_number, whole_number
from config.outputs import folder_to_write
from config.paths import path_of
from gym_follow.agents.registry import NAMES, check_agent, file_of
from gym_follow.flight import Conditions
from gym_follow.log import Log
from model.weights.find import find_weights
from scripts.benchmarks.follow.flights import FlightFolder, Job, fly_all
from scripts.benchmarks.follow.report import plot, print_causes, print_figures, print_flights, write_figures
from scripts.benchmarks.harness.digests import digest, digest_of_packages
from scripts.benchmarks.harness.terminal import console
from simulator.difficulty.levels import LEVELS
from simulator.link.commands import MAX_PEOPLE, MAX_SEED, SPEED_RANGE

PACKAGES = (follower, gym_follow, model.inference, sim_bridge.wire, simulator)  # that flights depend on
DEFAULT_AGENTS = ("ours", "no-memory", "original")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add = parser.add_argument
    add("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    add("--perfect", action="store_true", help="use the ground truth mask instead of a network")
    add("--difficulty", nargs="+", choices=LEVELS, default=["plain"], help="see python -m simulator --help")
    add("--episodes", type=whole_number(1), default=10, help="of each difficulty and agent (default %(default)s)")
    add("--first-seed", type=whole_number(0, MAX_SEED), default=100, help="of consecutive ones (default %(default)s)")
    add("--seconds", type=real_number(1.0), default=120.0, help="simulated, each (default %(default)s)")
    add("--people", type=whole_number(0, MAX_PEOPLE), help="besides the target (default: the difficulty's number)")
    add("--like-quadsim", action="store_true", help="QuadSim's crowd, patrol and lock-on")
    add("--speed", type=real_number(*SPEED_RANGE), default=1.0, help="simulated seconds per second")
    names = f"{', '.join(NAMES)}, or FILE.py:CLASS (default {' '.join(DEFAULT_AGENTS)})"
    add("--agents", nargs="+", type=_agent, default=list(DEFAULT_AGENTS), metavar="AGENT", help=names)
    add("--processes", type=whole_number(1), default=os.cpu_count() or 1, help="default: one for each core")
    add("--out", type=folder_to_write, metavar="FOLDER", help="for the log of each flight, follow.json, and plots")
    add("--resume", action="store_true", help="fly only the flights that FOLDER does not have")


def benchmark(options: argparse.Namespace) -> None:
    """Fly all flights, or those that are missing, and report."""
    if options.resume and not options.out:
        raise ValueError("expected --out FOLDER with --resume: the folder that has the flights")
    folder = FlightFolder(options.out, options.resume) if options.out else None
    jobs = _jobs(options)
    logs: dict[Job, Log] = {}
    for job, log in track(fly_all(jobs, options.processes, folder), "flying", total=len(jobs), console=console):
        logs[job] = log
    flights: dict[str, dict[str, dict[int, Log]]] = {}
    for job in jobs:
        flights.setdefault(job.difficulty, {}).setdefault(job.agent, {})[job.seed] = logs[job]
    for difficulty, agents in flights.items():
        print_figures(console, difficulty, agents)
        print_causes(console, agents)
        print_flights(console, agents)
        if options.out:
            plot(agents, options.out / f"follow_{difficulty}.png")
    if options.out:
        write_figures(options.out / "follow.json", vars(options), flights)
        console.print(f"logs, figures and plots: {options.out}")


def _jobs(options: argparse.Namespace) -> list[Job]:
    """Return the flights, seed by seed, so that an interrupted benchmark has as many of each kind."""
    weights = None if options.perfect else str(find_weights(options.weights))
    network = digest(path_of(weights)) if weights else None
    codes = {agent: digest(file) if (file := file_of(agent)) else None for agent in options.agents}
    program = digest_of_packages(*PACKAGES)
    conditions = Conditions(options.people, options.like_quadsim, options.speed)
    return [
        Job(agent, difficulty, seed, conditions, options.seconds, weights, network, code, program)
        for seed in range(options.first_seed, options.first_seed + options.episodes)
        for difficulty in dict.fromkeys(options.difficulty)
        for agent, code in codes.items()
    ]


def _agent(name: str) -> str:
    try:
        return check_agent(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
