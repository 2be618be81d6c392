"""Set up everything and run the quick checks: `python scripts/check.py`.

Format, lint, types, and the tests that need no training, browser, simulator or minutes.
"""

from __future__ import annotations  # older versions of Python get as far as the sentence about versions

import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from environment import ROOT, prepare, run

REQUIREMENTS = ("requirements.txt", *(f"requirements-{name}.txt" for name in ("dev", "export", "sweep", "gym")))
INTERRUPTED = 130


class Step(NamedTuple):
    """One tool and its arguments."""

    name: str
    arguments: tuple[str, ...]


def tests(name: str, distribution: str, *arguments: str) -> Step:
    """Return a step that runs tests in one process more than there are cores, up to five, because many tests wait.

    `distribution` is a mode of pytest-xdist's `--dist`.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    spread = ("-n", str(min(cores, 4) + 1), "--dist", distribution, "--no-loadscope-reorder") if cores > 1 else ()
    return Step(name, ("pytest", *spread, "-q", *arguments))


STATIC = [
    Step("format", ("ruff", "format", "--check", "--quiet", ".")),
    Step("lint", ("ruff", "check", "--quiet", ".")),
    Step("types", ("mypy", "--no-error-summary")),
]
QUICK = [*STATIC, tests("quick tests", "worksteal", "-m", "quick")]


def run_steps(interpreter: os.PathLike[str], steps: Sequence[Step]) -> int:
    """Run all steps, also after one that failed; return the exit status of the first that did. Ctrl-C ends all."""
    interrupts: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))  # the running step gets it, too
    failures = {}
    for step in steps:
        print(f"== {step.name}: {' '.join(step.arguments)}", flush=True)
        began = time.perf_counter()
        status = run(interpreter, "-m", *step.arguments, cwd=ROOT)
        if interrupts:
            print(f"== {step.name}: interrupted", flush=True)
            return INTERRUPTED
        if status:
            failures[step.name] = status
        outcome = f"failed with status {status}" if status else "passed"
        print(f"== {step.name}: {outcome}, {time.perf_counter() - began:.1f} s", flush=True)
    if failures:
        print(f"== failed: {', '.join(failures)}", flush=True)
    return next(iter(failures.values()), 0)


if __name__ == "__main__":
    sys.exit(run_steps(prepare(*REQUIREMENTS), QUICK))
