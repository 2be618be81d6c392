"""One connected simulator: its operator controls and counters. No sockets and no threads here."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sim_bridge.operator_controls import OperatorControls
from sim_bridge.wire.simulator_control import SimulatorInfo


@dataclass
class Counts:
    """Results of a session's frames: received = answered + skipped + failed + refused + waiting."""

    received: int = 0
    answered: int = 0
    skipped: int = 0  # a newer frame arrived before this one could be processed
    failed: int = 0  # the network or the agent raised
    refused: Counter[str] = field(default_factory=Counter)  # kind -> frames and other events that are invalid


@dataclass(eq=False)
class Session:
    """A simulator from connect to disconnect. `number` counts all simulators since the start, from 1."""

    sid: str
    number: int
    address: str
    controls: OperatorControls
    counts: Counts = field(default_factory=Counts)
    connected_at: float = field(default_factory=time.time)  # unix seconds
    ignored_keys: set[str] = field(default_factory=set)  # that were logged already
    connected: bool = True
    closed_here: bool = False  # the connection ends because the follower does
    simulator_info: SimulatorInfo | None = None  # None for QuadSim, and until the built-in simulator has sent it

    @property
    def name(self) -> str:
        """Name for messages and pages."""
        return f"simulator {self.number}"

    def summary(self) -> dict[str, Any]:
        """Return plain data for pages and logs."""
        return {
            "name": self.name,
            "address": self.address,
            "connected_seconds": round(time.time() - self.connected_at, 1),
            **vars(self.counts),
            "refused": dict(self.counts.refused),
        }
