"""What an agent sees and answers, as plain values: the contract of the benchmark and of the Gymnasium environment."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

NOTHING, DETECTED, LOST, SEARCH = range(4)  # values of an action's "report"

Point = tuple[float, float, float]  # metres, world axes
Observation = Mapping[str, Any]
Action = dict[str, Any]
Info = Mapping[str, Any]  # ground truth, for scripted agents and training


@dataclass(frozen=True)
class Report:
    """What an agent reports for a frame. Neither field is set while the target is missed briefly."""

    position: Point | None = None  # follow the target, whose centre is here
    lost: bool = False  # return to patrol, or look at `look_at`
    look_at: Point | None = None


class Agent(Protocol):
    """An agent of the benchmark. A new one flies each flight.

    An observation has "rgb" (256, 256, 3) uint8, "depth" (256, 256) uint8 (255 stands for 100 m or more, and 0 for no
    measurement, with the difficulties link and all), "pose" of the quad and "gimbal_pose" of the camera (x, y, z in
    metres; roll, pitch, yaw in radians), "time" (1,) in seconds when the picture was taken, and with ground-truth masks
    "mask" (256, 256, 3) uint8, 0 or 255: background, people, target. `info` is ground truth and not for agents that
    compete.
    """

    def act(self, observation: Observation, info: Info) -> Action:
        """Return {"report": NOTHING, DETECTED, LOST or SEARCH, "position": (3,) metres}.

        The position counts if DETECTED, as the target's, or SEARCH: the target is lost; the quad looks there for it.
        """


def to_report(action: Mapping[str, Any]) -> Report:
    """Return the report that an action stands for. Raises ValueError for any other action."""
    try:
        kind = operator.index(action["report"])
        position = np.asarray(action["position"] if kind in (DETECTED, SEARCH) else np.zeros(3), dtype=float)
    except (LookupError, TypeError, ValueError):
        kind, position = -1, np.zeros(3)
    if kind not in (NOTHING, DETECTED, LOST, SEARCH) or position.shape != (3,) or not np.isfinite(position).all():
        raise ValueError(
            f'expected an action {{"report": {NOTHING}, {DETECTED}, {LOST} or {SEARCH}, "position": three finite '
            f"numbers}}, "
            f"got {action!r}"
        )
    x, y, z = position.tolist()
    if kind == DETECTED:
        return Report(position=(x, y, z))
    return Report(lost=kind in (LOST, SEARCH), look_at=(x, y, z) if kind == SEARCH else None)


def detected(position: Point | np.ndarray) -> Action:
    """Return the action that reports the centre of the target, (3,) metres."""
    return {"report": DETECTED, "position": np.array(position, dtype=float)}


def nothing() -> Action:
    """Return the action that reports nothing: the quad goes on as it does."""
    return {"report": NOTHING, "position": np.zeros(3)}


def lost() -> Action:
    """Return the action that reports the target lost."""
    return {"report": LOST, "position": np.zeros(3)}


def search(place: Point | np.ndarray) -> Action:
    """Return the action that reports the target lost, and where to look for it, (3,) metres."""
    return {"report": SEARCH, "position": np.array(place, dtype=float)}
