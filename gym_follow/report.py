"""What an agent sees and answers, as plain values: the contract of the benchmark and of the Gymnasium environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

NOTHING, DETECTED, LOST = range(3)  # values of an action's "report"

Point = tuple[float, float, float]  # metres, world axes
Observation = Mapping[str, Any]
Action = dict[str, Any]
Info = Mapping[str, Any]  # ground truth, for scripted agents and training


@dataclass(frozen=True)
class Report:
    """What an agent reports for a frame. Neither field is set while the target is missed briefly."""

    position: Point | None = None  # follow the target, whose centre is here
    lost: bool = False  # return to patrol


class Agent(Protocol):
    """An agent of the benchmark. A new one flies each flight.

    An observation has "rgb" (256, 256, 3) uint8, "depth" (256, 256) uint8 (255 stands for 100 m or more), "pose" of the
    quad and "gimbal_pose" of the camera (x, y, z in metres; roll, pitch, yaw in radians), "time" (1,) in seconds when
    the picture was taken, and with ground-truth masks "mask" (256, 256, 3) uint8 of 0 or 1: background, people, target.
    `info` is ground truth and not for agents that compete.
    """

    def act(self, observation: Observation, info: Info) -> Action:
        """Return {"report": NOTHING, DETECTED or LOST, "position": (3,) metres, which counts if DETECTED}."""


def to_report(action: Mapping[str, Any]) -> Report:
    """Return the report that an action stands for. Raises ValueError for any other action."""
    try:
        kind = int(action["report"])
        position = np.asarray(action.get("position", np.zeros(3)), dtype=float)
    except (KeyError, TypeError, ValueError):
        kind, position = -1, np.zeros(3)
    if kind not in (NOTHING, DETECTED, LOST) or position.shape != (3,) or not np.isfinite(position).all():
        raise ValueError(
            f'expected an action {{"report": {NOTHING}, {DETECTED} or {LOST}, "position": three finite numbers}}, '
            f"got {action!r}"
        )
    x, y, z = position.tolist()
    return Report(position=(x, y, z) if kind == DETECTED else None, lost=kind == LOST)


def detected(position: Point | np.ndarray) -> Action:
    """Return the action that reports the centre of the target, (3,) metres."""
    return {"report": DETECTED, "position": np.array(position, dtype=float)}


def nothing() -> Action:
    """Return the action that reports nothing: the quad goes on as it does."""
    return {"report": NOTHING, "position": np.zeros(3)}


def lost() -> Action:
    """Return the action that reports the target lost."""
    return {"report": LOST, "position": np.zeros(3)}
