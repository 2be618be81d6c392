"""From an observation of the benchmark to what this project's agents take, and back."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from follower.evidence.likelihood import TYPICAL_FRACTION
from follower.types import Command, ObjectDetected, ObjectLost, Pose
from gym_follow.report import Action, Observation, detected, lost, nothing, search

if TYPE_CHECKING:
    from model.inference.agent_segmenter import AgentSegmenter


@dataclass(frozen=True)
class ObservedFrame:
    """An observation as a frame; satisfies `follower.types.Frame`."""

    timestamp: float
    pose: Pose
    gimbal_pose: Pose
    image: np.ndarray
    depth_image: np.ndarray


def frame_of(observation: Observation) -> ObservedFrame:
    """Return the frame that an observation shows."""
    return ObservedFrame(
        timestamp=float(observation["time"][0]),
        pose=Pose(*observation["pose"].tolist()),
        gimbal_pose=Pose(*observation["gimbal_pose"].tolist()),
        image=observation["rgb"],
        depth_image=observation["depth"],
    )


def probabilities_of(observation: Observation, weights: str | None, picture: np.ndarray | None = None) -> np.ndarray:
    """Return the network's class probabilities, (rows, columns, 3) float32; without `weights`, the ground truth's.

    `picture` is what the network sees, by default the observation's own.
    """
    if weights is None:
        return (observation["mask"] > 0).astype(np.float32)
    return _segmenter(weights).predict((observation["rgb"] if picture is None else picture)[None])[0]


def typical_fraction_of(weights: str | None) -> float:
    """Return the fraction of a target in plain view that the network classifies as target."""
    return TYPICAL_FRACTION if weights is None else _segmenter(weights).typical_fraction


def action_of(commands: Iterable[Command]) -> Action:
    """Return the action that the commands of a frame stand for; markers do not count."""
    for command in commands:
        if isinstance(command, ObjectDetected):
            motion = command.motion
            return detected(command.coords) if motion is None else detected(command.coords, motion.velocity)
        if isinstance(command, ObjectLost):
            return lost() if command.look_at is None else search(command.look_at)
    return nothing()


@cache
def _segmenter(weights: str) -> "AgentSegmenter":
    """Return the network, loaded once in each process, on one thread: other flights use the other cores."""
    from model.inference.load import load_agent_segmenter  # TensorFlow takes seconds, and not every agent needs it

    return load_agent_segmenter(weights, threads=1)
