"""Several drones, each in a process of its own: they share nothing, and each can use a core of its own."""

import _thread
import argparse
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable

from config.paths import allow_any_name
from config.processes import when_parent_ends

Run = Callable[[argparse.Namespace, str], int]
"""Fly one drone by its options, with a name that begins each line it prints; returns the exit status."""


def fly_several(options: argparse.Namespace, run: Run) -> int:
    """Fly `options.count` drones until all have ended, or Ctrl-C; return the highest exit status."""
    context = multiprocessing.get_context("spawn")
    drones = [context.Process(target=_run_one, args=(options, number, run)) for number in range(options.count)]
    try:
        for drone in drones:
            drone.start()
        for drone in drones:
            drone.join()
    except KeyboardInterrupt:
        started = [drone for drone in drones if drone.pid is not None]
        for drone in started:
            if os.name != "nt":  # on Windows it kills the process
                drone.terminate()
        for drone in started:  # each prints its summary first
            drone.join(timeout=5.0)
            drone.kill()
            drone.join()
    return max(_exit_status(number, drone.exitcode or 0) for number, drone in enumerate(drones))


def _run_one(options: argparse.Namespace, number: int, run: Run) -> None:
    allow_any_name()
    when_parent_ends(_thread.interrupt_main)
    options.seed, options.window = options.seed + number, False
    if options.log:
        options.log = options.log.with_stem(f"{options.log.stem}_{number}")
    sys.exit(run(options, f"drone {number}: "))


def _exit_status(number: int, code: int) -> int:
    """Return the exit status of a drone from its exit code, which is negative after a signal; report a kill."""
    if code >= 0:
        return code
    if code == -signal.SIGTERM:  # interrupted before its flight began
        return 0
    print(f"drone {number}: killed by signal {-code}", file=sys.stderr)
    return 128 - code  # as shells do
