"""Tables, figures and plot of the follow benchmark."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from dataset.files import write_atomically
from gym_follow.log import Log
from gym_follow.metrics import active_tracking, evt_bench
from gym_follow.metrics.causes import Cause, causes
from gym_follow.metrics.following import FAR, NEAR, measure, overall
from gym_follow.metrics.summary import AD_VAT, EVT_BENCH, flight_figures, rows, summarise

Flights = Mapping[str, Mapping[int, Log]]  # of one difficulty, by agent and seed

EPISODES = {  # their steps, and whether a flight is too short for one
    EVT_BENCH: (evt_bench.STEPS, evt_bench.is_cut_short),
    AD_VAT: (active_tracking.STEPS, active_tracking.is_cut_short),
}
MAX_COLUMNS = 10  # flights that get a column of their own


def print_figures(console: Console, difficulty: str, flights: Flights) -> None:
    """Print the table of the field's figures, an agent in each column, and which flights fail or are cut short."""
    figures = {agent: [flight_figures(log) for log in logs.values()] for agent, logs in flights.items()}
    columns = [list(rows(summarise(each))) for each in figures.values()]
    table = Table(title=_title(difficulty, flights), title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for agent in flights:
        table.add_column(agent, justify="right")
    group = ""
    for row in zip(*columns, strict=True):
        if row[0][0] != group:
            group = row[0][0]
            table.add_row(f"[bold]{group}[/bold]")
        table.add_row(f"  {row[0][1]}", *(value for _, _, value in row))
    console.print(table)
    for agent, logs in flights.items():
        seeds = [str(seed) for seed, each in zip(logs, figures[agent], strict=True) if not each.success_in_band]
        if seeds:
            console.print(f"{agent}: not followed to the end with seeds {', '.join(seeds)}")
        for benchmark, (steps, is_cut_short) in EPISODES.items():
            short = ", ".join(str(seed) for seed, log in logs.items() if is_cut_short(log))
            if short:
                console.print(f"{agent}: judged by fewer than {benchmark}'s {steps} steps with seeds {short}")
    console.print()


def print_causes(console: Console, flights: Flights) -> None:
    """Print why the target was out of view and why a wrong one was followed, an agent in each column."""
    seconds = [[causes(log) for log in logs.values()] for logs in flights.values()]
    table = Table(title="causes, s per flight (flights with it)", title_justify="left", box=None)
    for name in ("", *flights):
        table.add_column(name, justify="right" if name else "left")
    for group, members in groupby(Cause, key=lambda cause: cause.group):
        table.add_row(f"[bold]{group}[/bold]")
        for cause in members:
            table.add_row(
                f"  {cause.heading}", *(_per_flight([each.get(cause, 0.0) for each in agent]) for agent in seconds)
            )
    console.print(table, "")


def _per_flight(seconds: Sequence[float]) -> str:
    flights = sum(value > 0 for value in seconds)
    return f"{np.mean(seconds):.2f} ({flights})" if flights else "-"


def print_flights(console: Console, flights: Flights) -> None:
    """Print a table for each agent with a column for each flight, if they are few."""
    for agent, logs in flights.items():
        if len(logs) > MAX_COLUMNS:
            continue
        results = {seed: measure(log) for seed, log in logs.items()}
        columns = {"all": overall(list(results.values()))} | {str(seed): row for seed, row in results.items()}
        table = Table(title=agent, title_justify="left", box=None, header_style="bold", padding=(0, 1, 0, 0))
        table.add_column("seed", no_wrap=True)
        for name in columns:
            table.add_column(name, justify="right", no_wrap=True)
        for figures in zip(*(result.rows() for result in columns.values()), strict=True):
            table.add_row(figures[0][0], *(value for _, value in figures))
        console.print(table, "")


def write_figures(path: Path, settings: Mapping[str, Any], flights: Mapping[str, Flights]) -> None:
    """Write all figures as JSON, by difficulty and agent; null where there is nothing to measure."""
    content = {
        "settings": {key: str(value) for key, value in settings.items()},
        "difficulties": {
            difficulty: {agent: _content(logs) for agent, logs in agents.items()}
            for difficulty, agents in flights.items()
        },
    }
    content = json.loads(json.dumps(content), parse_constant=lambda nan: None)  # JSON has no NaN
    write_atomically(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def plot(flights: Flights, path: Path) -> None:
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


def _title(difficulty: str, flights: Flights) -> str:
    counts = {len(logs) for logs in flights.values()}
    number = " and ".join(map(str, sorted(counts)))
    return f"{difficulty}: means of {number} flight{'' if counts == {1} else 's'}, with 95 % confidence intervals"


def _content(logs: Mapping[int, Log]) -> dict[str, Any]:
    results = {seed: measure(log) for seed, log in logs.items()}
    figures = {seed: flight_figures(log) for seed, log in logs.items()}
    summary = summarise(list(figures.values()))
    return {
        "field": {name: asdict(estimate) for name, estimate in summary.items()},
        "overall": asdict(overall(list(results.values()))),
        "episodes": {seed: asdict(result) for seed, result in results.items()},
        "field_episodes": {seed: asdict(each) for seed, each in figures.items()},
        "causes": {
            seed: {cause.name.lower(): seconds for cause, seconds in causes(log).items()} for seed, log in logs.items()
        },
    }
