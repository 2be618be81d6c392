"""One connected simulator: its own agent, its own counters. No sockets and no threads here."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from follower.types import Decision, Frame
from sim_bridge.operator_controls import Steering
from sim_bridge.wire.simulator_control import SimulatorInfo


class Agent(Protocol):
    """What decides; `follower.agent.FollowAgent` is the one that flies."""

    def step(self, frame: Frame, probabilities: np.ndarray) -> Decision:
        """Decide on one frame; `probabilities` (rows, columns, 3) float32: background, people, hero."""
        ...


AgentFactory = Callable[[], Agent]


@dataclass
class Counts:
    """What became of the frames of a session: received = answered + skipped + failed + refused + waiting."""

    received: int = 0
    answered: int = 0
    skipped: int = 0  # a newer frame came before this one could be worked on
    failed: int = 0  # the network or the agent raised
    refused: Counter[str] = field(default_factory=Counter)  # kind -> events that are no usable frame


@dataclass(eq=False)
class Session:
    """A simulator from connect to disconnect. `number` counts the simulators of this run from 1."""

    sid: str
    number: int
    address: str
    agent: Agent
    steering: Steering = field(default_factory=Steering)
    counts: Counts = field(default_factory=Counts)
    connected_at: float = field(default_factory=time.time)  # unix seconds
    ignored_keys: set[str] = field(default_factory=set)  # unknown keys that were reported once already
    connected: bool = True
    closed_here: bool = False  # the connection ends because the follower does
    simulator_info: SimulatorInfo | None = None  # None for QuadSim, and until the built-in simulator has sent it

    @property
    def name(self) -> str:
        """How people call it."""
        return f"simulator {self.number}"

    def summary(self) -> dict:
        """Plain data for pages and logs."""
        return {
            "name": self.name,
            "address": self.address,
            "connected_seconds": round(time.time() - self.connected_at, 1),
            **vars(self.counts),
            "refused": dict(self.counts.refused),
        }
