"""Results of the soak benchmark: what each cycle saw, the lines of the table, and what is a problem."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PARTS = 6  # lines of the table
MAX_GROWTH = 1.05
MEASURED = ("memory", "threads", "files")
COUNTED = ("sent", "answered", "skipped", "lost", "reconnections", "updates", "swaps", "bad_messages")


@dataclass(frozen=True)
class Cycle:
    """What became of the frames of a cycle, who else came, and what the follower occupied after it."""

    began: float  # minutes since the first one began, as `ended`
    ended: float
    sent: int
    answered: int
    skipped: int
    lost: int  # frames neither answered nor skipped
    served: int  # simulators with an answered frame
    reconnections: int
    updates: int | None  # of the viewer's page, with a frame; None if there was no viewer
    recordings: int | None  # that were made; None if none were to be
    swaps: int  # of the model
    bad_messages: int
    memory: float
    threads: float
    files: float


FAILURES: Mapping[str, Callable[[Cycle], bool]] = {
    "no frame was answered": lambda cycle: not cycle.answered,
    "frames were neither answered nor skipped": lambda cycle: cycle.lost > 0,
    "simulators lost their connection": lambda cycle: cycle.reconnections > 0,
    "the viewer received nothing": lambda cycle: cycle.updates == 0,
    "simulators were not recorded": lambda cycle: cycle.recordings is not None and cycle.recordings < cycle.served,
}


def summarise(cycles: Sequence[Cycle]) -> list[dict[str, Any]]:
    """Return the lines of the table: the first cycle, then equal parts of all of them."""
    parts = ([cycles[k] for k in part] for part in np.array_split(np.arange(len(cycles)), PARTS))
    return [_line(part) for part in (cycles[:1], *parts) if part]


def _line(cycles: Sequence[Cycle]) -> dict[str, Any]:
    means = {name: float(np.mean([getattr(cycle, name) for cycle in cycles])) for name in MEASURED}
    return {"minutes": f"{cycles[0].began:.1f}-{cycles[-1].ended:.1f}", **means, **totals(cycles)}


def totals(cycles: Sequence[Cycle]) -> dict[str, int]:
    """Return the sums of what is counted."""
    return {name: sum(getattr(cycle, name) or 0 for cycle in cycles) for name in COUNTED}


def failures(cycles: Sequence[Cycle]) -> list[str]:
    """Return what went wrong, and in which cycles."""
    numbers = {
        text: [str(k) for k, cycle in enumerate(cycles, 1) if failed(cycle)] for text, failed in FAILURES.items()
    }
    return [f"{text} (cycle {', '.join(found)})" for text, found in numbers.items() if found]


def growth(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return what the last part has too much of, compared with the second one; nothing if parts are missing."""
    if len(rows) <= PARTS:
        return []
    before, last = rows[2], rows[-1]
    problems = []
    if last["memory"] > MAX_GROWTH * before["memory"]:
        problems.append(f"memory grew from {before['memory']:.0f} to {last['memory']:.0f} MB")
    for name in ("threads", "files"):
        if last[name] > before[name] + 1:
            problems.append(f"{name} were left over: {before[name]:.1f}, then {last[name]:.1f}")
    return problems
