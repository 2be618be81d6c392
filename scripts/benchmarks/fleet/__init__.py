"""`python scripts/bench.py fleet`: how many simulators one follower serves.

One follower with its dashboard (nobody watches it) runs in a process of its own. The simulators have a connection each,
with QuadSim's kind of socket, and run in other processes on the same machine. They begin at different moments, and
frames that they cannot send in time are left out, not made up for.

- skipped: frames that a newer one replaced before they could be processed
- least: answered frames of the simulator with the fewest, in percent of the mean
- cpu: processor time of the follower's process for each answered frame; memory: of that process

Frames with another outcome or none, lost connections, and simulators whose watchdog heard nothing for three seconds are
reported below the table.

One simulator is measured at several rates, too, and with the original program of 2017 (see `latency`) for comparison.
The original skips no frame: where it cannot keep the rate, frames queue up, and its latency says nothing.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from rich.progress import Progress

from config.numbers import real_number, whole_number
from config.outputs import plot_to_write
from model.inference.choices import DEVICES, RUNTIMES
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from scripts.benchmarks.fleet.plot import plot
from scripts.benchmarks.harness.bridges import MEASUREMENTS, process, receive, request, serve, serve_follower
from scripts.benchmarks.harness.original_server import OriginalServer
from scripts.benchmarks.harness.rounds import UNTHROTTLED, get_frames, name_pace
from scripts.benchmarks.harness.simulators import BEGIN, END, FrameLog, Group, fly_simulators
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table
from simulator.flight import WATCHDOG

OURS, ORIGINAL = SERVERS = ("ours", "original")
QUADSIM_HZ = 5.0
FLEETS = (1, 2, 4, 8, 16, 32, 64)
RATES = (10.0, 20.0, 30.0, 60.0, UNTHROTTLED)
WARM_UP_SECONDS = 2.0  # before each measurement
PROBLEMS = {
    "lost": "frames neither answered nor skipped",
    "reverts": "simulators whose watchdog sends a following drone back to patrol",
    "reconnections": "connections lost",
}
NOT_PRINTED = {"due", "sent", *PROBLEMS}  # in the table, which is wide enough
KEPT_PACE = 0.95  # of the frames that were due; with fewer, the simulators themselves are too slow


@dataclass(frozen=True)
class Case:
    """A line of the table: one server, with so many simulators that send at `hz`."""

    simulators: int
    hz: float
    server: str = OURS


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=30.0)
    add, default = parser.add_argument, " ".join(map(str, FLEETS))
    add(
        "--simulators",
        type=whole_number(1),
        nargs="+",
        default=FLEETS,
        metavar="N",
        help=f"at 5 Hz (default: {default})",
    )
    add("--rates", type=_rate, nargs="*", default=RATES, metavar="HZ", help="of one simulator; inf: unthrottled")
    add("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    add("--runtime", choices=RUNTIMES, default="auto", help="of our network (default %(default)s)")
    add("--device", choices=DEVICES, default="auto", help="of our network (default %(default)s)")
    add("--processes", type=whole_number(1), default=2, help="that the simulators share (default %(default)s)")
    add("--picture", type=plot_to_write, metavar="FILE", help="plot the lines at 5 Hz over the number of simulators")


def cases_of(options: argparse.Namespace) -> list[Case]:
    """Return the lines of the table, in ascending order: what a fleet leaves in memory does not count for smaller ones.

    The original follows ours with one simulator, at 5 Hz and unthrottled.
    """
    cases = {Case(count, QUADSIM_HZ) for count in options.simulators} | {Case(1, hz) for hz in options.rates}
    cases |= {Case(1, hz, ORIGINAL) for hz in (QUADSIM_HZ, UNTHROTTLED)}
    chosen = [case for case in cases if case.server in options.servers]
    return sorted(chosen, key=lambda case: (case.simulators, case.hz, case.server != OURS))


def _rate(text: str) -> float:
    return UNTHROTTLED if text == "inf" else real_number(0.1)(text)


def benchmark(options: argparse.Namespace) -> object:
    """Measure all cases and print the results; return them for JSON."""
    frames, cases, rows = get_frames(options), cases_of(options), []
    with ExitStack() as stack, console.status("starting") as status:
        starts: dict[str, Callable[[Connection], None]] = {
            OURS: partial(serve_follower, weights=options.weights, runtime=options.runtime, device=options.device),
            ORIGINAL: partial(serve_original, weights=options.weights),
        }
        servers = {name: stack.enter_context(process(starts[name])) for name in options.servers}
        ports = {name: receive(server) for name, server in servers.items()}
        drivers = [stack.enter_context(process(fly_simulators, frames)) for _ in range(options.processes)]
        model = request(servers[OURS], "model") if OURS in servers else None
        status.stop()
        with Progress(console=console, transient=True) as progress:
            for case in progress.track(cases, description="measuring"):
                server, port = servers[case.server], ports[case.server]
                rows.append(measure(case, server, port, drivers, options.seconds))
    if model:
        console.print(model, highlight=False, soft_wrap=True)
    ratios = {name_pace(hz): ratio for hz in (QUADSIM_HZ, UNTHROTTLED) if (ratio := speed_up(rows, hz))}
    report(rows, ratios)
    problems = []
    if options.picture:
        try:
            plot([r for r in rows if (r["server"], r["pace"]) == (OURS, name_pace(QUADSIM_HZ))], options.picture)
            console.print(f"plot: {options.picture}")
        except (ValueError, RuntimeError, OSError) as error:
            problems.append(f"the plot could not be written: {error}")
    return {"model": model, "results": rows, "speed_up": ratios, "problems": problems}


def report(rows: Sequence[dict[str, Any]], ratios: Mapping[str, float]) -> None:
    """Print the table, and below it what is not as it should be."""
    printed = [{key: value for key, value in row.items() if key not in NOT_PRINTED} for row in rows]
    print_table(printed, "latencies and cpu: milliseconds; memory: megabytes")
    for pace, ratio in ratios.items():
        console.print(f"one simulator, {pace}: p50 is {ratio:.1f} times lower than the original's")
    if any(row["server"] == ORIGINAL and falls_behind(row, QUADSIM_HZ) for row in rows):
        console.print(f"the original cannot keep {name_pace(QUADSIM_HZ)}: its frames queue up, so it is not compared")
    for row in rows:
        problems = [f"{text}: {row[key]}" for key, text in PROBLEMS.items() if row[key]]
        if row["due"] and row["sent"] < KEPT_PACE * row["due"] - row["simulators"]:
            problems.append(f"frames sent: {row['sent']} of {row['due']}, this machine cannot drive so many simulators")
        if problems:
            line = f"{row['server']}, {row['simulators']} at {row['pace']}: {'; '.join(problems)}"
            console.print(line, soft_wrap=True)


def measure(case: Case, server: Connection, port: int, drivers: Sequence[Connection], seconds: float) -> dict[str, Any]:
    """Fly the simulators of a case for `seconds` after a warm-up; return its line of the table."""
    groups = [Group(port, range(case.simulators)[start :: len(drivers)], case.hz) for start in range(len(drivers))]
    for driver, group in zip(drivers, groups, strict=True):
        driver.send(group)
    for driver in drivers:
        receive(driver)
    time.sleep(WARM_UP_SECONDS)
    cpu, began = request(server, "cpu"), time.perf_counter()
    request_all(drivers, BEGIN)
    time.sleep(seconds)
    cpu, took = request(server, "cpu") - cpu, time.perf_counter() - began
    memory = request(server, "memory")
    logs = [log for part in request_all(drivers, END) for log in part]
    due = None if case.hz == UNTHROTTLED else round(case.simulators * case.hz * took)
    return describe(case, logs, due, cpu, memory)


def request_all(drivers: Iterable[Connection], message: str) -> list[Any]:
    """Send a message to all before the first answer is awaited; return the answers."""
    drivers = list(drivers)
    for driver in drivers:
        driver.send(message)
    return [receive(driver) for driver in drivers]


def describe(case: Case, logs: Sequence[FrameLog], due: int | None, cpu: float, memory: float | None) -> dict[str, Any]:
    """Return a line of the table. `due`: frames at this rate; `cpu`: seconds; `memory`: megabytes."""
    sent, answered = sum(log.sent for log in logs), sum(len(log.latencies) for log in logs)
    skipped = sum(log.outcomes["skipped"] for log in logs)
    latencies = [latency for log in logs for latency in log.latencies]
    p50, p99, longest = np.percentile(latencies, [50, 99, 100]).tolist() if latencies else (None, None, None)
    return {
        "server": case.server,
        "simulators": case.simulators,
        "pace": name_pace(case.hz),
        "due": due,
        "sent": sent,
        "answered": answered,
        "skipped_%": 100 * skipped / max(sent, 1),
        "lost": sent - answered - skipped,
        "least_%": 100 * min(len(log.latencies) for log in logs) * len(logs) / answered if answered else None,
        "p50": p50,
        "p99": p99,
        "longest": longest,
        "cpu": 1e3 * cpu / answered if answered else None,
        "memory": memory and round(memory),
        "reverts": sum(log.silence > WATCHDOG for log in logs),
        "reconnections": sum(log.reconnections for log in logs),
    }


def speed_up(rows: Sequence[dict[str, Any]], hz: float) -> float | None:
    """Return how many times our median with one simulator is lower than the original's.

    None without both, or if the original falls behind.
    """
    alone = {row["server"]: row for row in rows if (row["simulators"], row["pace"]) == (1, name_pace(hz))}
    if not {OURS, ORIGINAL} <= alone.keys() or falls_behind(alone[ORIGINAL], hz):
        return None
    ours, original = alone[OURS]["p50"], alone[ORIGINAL]["p50"]
    return original / ours if ours and original else None


def falls_behind(row: Mapping[str, Any], hz: float) -> bool:
    """Return whether a line shows, if it is one at `hz`, that the server takes longer for a frame than its period."""
    if row["pace"] != name_pace(hz) or hz == UNTHROTTLED:
        return False
    return bool(row["lost"] or (row["p50"] or 0.0) > 1000 / hz)


def serve_original(pipe: Connection, weights: str) -> None:
    """Serve as the program of 2017 until stopped."""
    import_tensorflow_quietly()
    serve(OriginalServer("eventlet", weights), pipe, MEASUREMENTS)
