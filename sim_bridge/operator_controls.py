"""What an operator can change about a flight: pause the commands, drop the target."""

import dataclasses
import math

import numpy as np

from follower.agent import FollowAgent
from follower.types import Command, Decision, Frame, ObjectDetected, ObjectLost

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
        self._simulator_follows = False  # by the last command that was sent
        self._withheld: tuple[Command, ...] = ()  # loss of that target during a pause, to be sent after it

    def drop_target(self) -> None:
        """Drop the target with the next frame and acquire none for `DROP_SECONDS`."""
        self.drop_requested = True

    def step(self, frame: Frame, probabilities: np.ndarray) -> tuple[Decision, bool]:
        """Return the agent's decision with the commands to send, and whether the operator influenced it."""
        if self.drop_requested:
            self.drop_requested = False
            self._dropped_at = frame.timestamp
        dropped = 0 <= frame.timestamp - self._dropped_at < DROP_SECONDS
        decision = self._agent.drop_target(frame) if dropped else self._agent.step(frame, probabilities)
        paused = self.paused
        commands = self._withhold(decision.commands) if paused else self._release(decision.commands)
        if commands != decision.commands:
            return dataclasses.replace(decision, commands=commands), True
        return decision, paused or dropped

    def _withhold(self, commands: tuple[Command, ...]) -> tuple[Command, ...]:
        """Return no commands; remember a loss that the simulator must learn of after the pause."""
        if self._simulator_follows and not self._withheld and _has(ObjectLost, commands):
            self._withheld = commands
        return ()

    def _release(self, commands: tuple[Command, ...]) -> tuple[Command, ...]:
        """Return what was withheld during a pause and the commands of this frame."""
        commands, self._withheld = self._withheld + commands, ()
        if _has(ObjectDetected, commands):
            self._simulator_follows = True
        elif _has(ObjectLost, commands):
            self._simulator_follows = False
        return commands


def _has(kind: type[Command], commands: tuple[Command, ...]) -> bool:
    return any(isinstance(command, kind) for command in commands)
