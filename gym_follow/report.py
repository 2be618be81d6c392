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
ZERO: Point = (0.0, 0.0, 0.0)
Info = Mapping[str, Any]  # ground truth, for scripted agents and training


@dataclass(frozen=True)
class Report:
    """What an agent reports for a frame. Neither `position` nor `lost` is set while the target is missed briefly."""

    position: Point | None = None  # follow the target, whose centre was here when the picture was taken
    velocity: Point = ZERO  # of the target, m/s: the quad follows it to where it is when the report arrives
    lost: bool = False  # return to patrol, or look at `look_at`
    look_at: Point | None = None


class Agent(Protocol):
    """An agent of the benchmark. A new one flies each flight.

    An observation has "rgb" (256, 256, 3) uint8, "depth" (256, 256) uint8 (255 stands for 100 m or more, and 0 for no
    measurement, with the difficulties link and all), "pose" of the quad and "gimbal_pose" of the camera (x, y, z in
    metres; roll, pitch, yaw in radians), "time" (1,) in seconds when the picture was taken, "extent" (4,) where
    people walk (least x, least y, greatest x, greatest y, metres), and with ground-truth masks "mask" (256, 256, 3)
    uint8, 0 or 255: background, people, target. `info` is ground truth and not for agents that
    compete.
    """

    def act(self, observation: Observation, info: Info) -> Action:
        """Return {"report": NOTHING, DETECTED, LOST or SEARCH, "position": (3,) metres, "velocity": (3,) m/s}.

        The position counts if DETECTED, as the target's, or SEARCH: the target is lost; the quad looks there for it.
        With a velocity, which may be left out, the quad adds how far a detected target has moved since the picture was
        taken: on a link that delays frames it would lag behind otherwise.
        """


def to_report(action: Mapping[str, Any]) -> Report:
    """Return the report that an action stands for. Raises ValueError for any other action."""
    try:
        kind = operator.index(action["report"])
        position = _vector(action["position"]) if kind in (DETECTED, SEARCH) else ZERO
        velocity = _vector(action.get("velocity", ZERO)) if kind == DETECTED else ZERO
    except (LookupError, TypeError, ValueError, OverflowError):
        kind, position, velocity = -1, ZERO, ZERO
    if kind not in (NOTHING, DETECTED, LOST, SEARCH):
        raise ValueError(
            f'expected an action {{"report": {NOTHING}, {DETECTED}, {LOST} or {SEARCH}, "position": three finite '
            f'numbers, "velocity": three more, or none}}, got {action!r}'
        )
    if kind == DETECTED:
        return Report(position, velocity)
    return Report(lost=kind in (LOST, SEARCH), look_at=position if kind == SEARCH else None)


def detected(position: Point | np.ndarray, velocity: Point | np.ndarray = ZERO) -> Action:
    """Return the action that reports the centre of the target, (3,) metres, and its velocity, (3,) m/s."""
    return _action(DETECTED, position, velocity)


def nothing() -> Action:
    """Return the action that reports nothing: the quad goes on as it does."""
    return _action(NOTHING)


def lost() -> Action:
    """Return the action that reports the target lost."""
    return _action(LOST)


def search(place: Point | np.ndarray) -> Action:
    """Return the action that reports the target lost, and where to look for it, (3,) metres."""
    return _action(SEARCH, place)


def _action(kind: int, position: Point | np.ndarray = ZERO, velocity: Point | np.ndarray = ZERO) -> Action:
    return {"report": kind, "position": np.array(position, float), "velocity": np.array(velocity, float)}


def _vector(values: Any) -> Point:
    """Return three finite numbers. Raises TypeError or ValueError for anything else."""
    vector = np.asarray(values, dtype=float)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise ValueError("not three finite numbers")
    x, y, z = vector.tolist()
    return x, y, z
