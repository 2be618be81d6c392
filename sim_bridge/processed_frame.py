"""One frame after the bridge has processed it: what recorder, dashboard, console and replay build on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from follower.types import Decision
from sim_bridge.wire.messages import SensorFrame


@dataclass(frozen=True)
class ProcessedFrame:
    """A camera frame with the network's output, the agent's decision and how long each stage took."""

    frame: SensorFrame
    probabilities: np.ndarray  # (rows, columns, 3) float32: background, people, hero
    decision: Decision
    timings: Mapping[str, float]  # milliseconds by stage: wait, decode, network, agent, total
    operator_override: bool = False  # an operator influenced the decision or its commands
