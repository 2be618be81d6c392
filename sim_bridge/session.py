"""One connected simulator: its counters, and what an operator can change about its flight. No sockets, no threads."""

import dataclasses
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from follower.agent import FollowAgent
from follower.types import Command, Decision, Extent, Frame, ObjectDetected, ObjectLost, TargetState
from sim_bridge.wire.simulator_control import SimulatorInfo

SILENT_SECONDS = 5.0  # without a frame, after which a simulator counts as silent; QuadSim sends five a second
FOLLOWER_ENDED = "the follower ended"
DROP_SECONDS = 5.0  # of the simulator's clock in which no target is acquired after one was dropped


class OperatorControls:
    """Passes the frames of one simulator to its agent and applies what the operator requested.

    Any thread may set `paused` and call `drop_target`; both take effect with the next frame. Without a request the
    agent's decisions pass unchanged.
    """

    def __init__(self, agent: FollowAgent) -> None:
        self.paused = False  # send no commands; frames are processed, shown and recorded as always
        self.drop_requested = False
        self._agent = agent
        self._dropped_at = -math.inf  # seconds, the simulator's clock
        self._sent: ObjectDetected | ObjectLost = ObjectLost()  # the last of these that was sent
        self._withheld: tuple[Command, ...] = ()  # the newest loss during a pause, to be sent after it

    def describe_simulator(self, search: bool, motion: bool, extent: Extent | None = None) -> None:
        """Set whether the simulator accepts places to look at without a target, and a target's motion.

        The target is within the `extent`.
        """
        self._agent.extent = extent  # before frames are searched in, on another thread
        self._agent.can_search, self._agent.takes_motion = search, motion

    def drop_target(self) -> None:
        """Drop the target with the next frame and acquire none for `DROP_SECONDS`."""
        self.drop_requested = True

    def network_picture(self, frame: Frame) -> np.ndarray:
        """Return the frame's picture as the network is to see it, see `FollowAgent.network_picture`."""
        return self._agent.network_picture(frame)

    def step(self, frame: Frame, probabilities: np.ndarray, typical_fraction: float) -> tuple[Decision, bool]:
        """Return the agent's decision with the commands to send, and whether the operator influenced it.

        The arguments are those of `FollowAgent.step`.
        """
        if self.drop_requested:
            self.drop_requested = False
            self._dropped_at = frame.timestamp
        dropped = 0 <= frame.timestamp - self._dropped_at < DROP_SECONDS
        if dropped:
            decision = self._agent.drop_target(frame)
        else:
            decision = self._agent.step(frame, probabilities, typical_fraction)
        paused = self.paused
        commands = self._withhold(decision.commands) if paused else self._release(decision.commands)
        if commands != decision.commands:
            return dataclasses.replace(decision, commands=commands), True
        return decision, paused or dropped

    def _withhold(self, commands: tuple[Command, ...]) -> tuple[Command, ...]:
        """Return no commands; remember a loss that must be reported to the simulator after the pause."""
        lost = next((command for command in commands if isinstance(command, ObjectLost)), None)
        if lost is None or self._sent == ObjectLost():  # then it is on patrol already
            return ()
        if self._withheld:
            self._withheld = lost, *self._withheld[1:]
        else:  # the marker, too, if it is that of a target that was sent
            self._withheld = commands if isinstance(self._sent, ObjectDetected) else (lost,)
        return ()

    def _release(self, commands: tuple[Command, ...]) -> tuple[Command, ...]:
        """Return what was withheld during a pause and the commands of this frame."""
        commands, self._withheld = self._withheld + commands, ()
        for command in commands:
            if isinstance(command, ObjectDetected | ObjectLost):
                self._sent = command
        return commands


@dataclass
class Counts:
    """Results of a session's frames: received = answered + skipped + failed + refused frames + waiting.

    `refused` also counts what is no frame: other events, and packets that cannot be read.
    """

    received: int = 0
    answered: int = 0
    skipped: int = 0  # a newer frame arrived before this one could be processed
    failed: int = 0  # the network or the agent raised
    refused: Counter[str] = field(default_factory=Counter)  # kind -> number


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
    decimal_commas: bool = False  # it writes them, and would misread decimal points
    connected: bool = True
    state: TargetState = TargetState.SEARCHING  # by the newest answered frame
    opened: float = field(default_factory=time.monotonic)  # seconds
    last_frame: float | None = None  # monotonic seconds on arrival, also of a refused one; None before the first
    last_turn: float = -math.inf  # `time.perf_counter()` when its newest frame was last processed
    end_reason: str = ""  # why the follower ends the connection; "" if the simulator does
    simulator_info: SimulatorInfo | None = None  # None for QuadSim, and until the built-in simulator has sent it

    @property
    def name(self) -> str:
        """Name for messages and pages."""
        return f"simulator {self.number}"

    @property
    def connected_seconds(self) -> float:
        """Seconds since the connection was opened, also if the system's clock is set meanwhile."""
        return time.monotonic() - self.opened

    @property
    def silent_seconds(self) -> float:
        """Seconds since the last frame, or else since the connection was opened; 0 up to `SILENT_SECONDS`."""
        seconds = time.monotonic() - (self.last_frame or self.opened)
        return seconds if seconds > SILENT_SECONDS else 0.0

    def is_succeeded_by(self, other: "Session") -> bool:
        """Return whether it fell silent before another connected from the same machine.

        Esc in QuadSim leaves the connection open and pings answered, but no frame comes any more.
        """
        same_machine = self.address.rpartition(":")[0] == other.address.rpartition(":")[0]
        return same_machine and self.silent_seconds > 0 and (self.last_frame or self.opened) < other.opened

    def summary(self) -> dict[str, Any]:
        """Return plain data for pages and logs."""
        return {
            "name": self.name,
            "address": self.address,
            "connected_seconds": round(self.connected_seconds, 1),
            "silent_seconds": round(self.silent_seconds, 1),
            **vars(self.counts),
            "refused": dict(self.counts.refused),
        }
