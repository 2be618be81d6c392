"""What people may ask of a flight: leave the drone alone, give the target up. It wraps an agent and acts as one."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from follower.types import Command, Decision, Frame, ObjectDetected, ObjectLost, TargetState

LOOK_AWAY_SECONDS = 5.0  # of the simulator's clock: after the target was given up nobody is taken for the hero
MOST_BLANKS = 1000  # frames without a hero after which an agent that still has not given up is let be


@dataclass(eq=False)
class Steering:
    """The wishes for one simulator. Set by any thread, heeded with its next frame."""

    paused: bool = False  # no commands go out; frames are worked on, shown and recorded as ever
    give_up: bool = False  # the target is lost now; cleared when it was heeded


@dataclass(frozen=True)
class SteeredDecision(Decision):
    """One in which a wish had its part."""


class SteeredAgent:
    """Heeds the wishes. Without any, its decisions are those of the agent."""

    def __init__(self, agent: object, steering: Steering):
        self._agent = agent
        self._steering = steering
        self._given_up: float | None = None  # seconds, the simulator's clock
        self._flying_to_target = False  # the last that the simulator was told
        self._withheld: tuple[Command, ...] = ()  # the loss of that target, while paused

    def step(self, frame: Frame, probabilities: np.ndarray) -> Decision:
        """The agent's decision on what it may see, with the commands that may go out."""
        decision, looked_away = self._decide(frame, probabilities)
        paused = self._steering.paused
        filtered = self._filter(decision, paused)
        if paused or looked_away or filtered is not decision:
            return SteeredDecision(**vars(filtered))
        return decision

    def _decide(self, frame: Frame, probabilities: np.ndarray) -> tuple[Decision, bool]:
        """The decision, and whether the agent was shown something else than what is there."""
        if self._steering.give_up:
            self._steering.give_up = False
            self._given_up = frame.timestamp
            return self._give_up(frame, probabilities), True
        looking_away = self._given_up is not None and 0 <= frame.timestamp - self._given_up < LOOK_AWAY_SECONDS
        return self._agent.step(frame, _blank(probabilities) if looking_away else probabilities), looking_away

    def _give_up(self, frame: Frame, probabilities: np.ndarray) -> Decision:
        """Show the agent frames without a hero until it says itself that the target is lost."""
        blank = _blank(probabilities)
        for _ in range(MOST_BLANKS):
            decision = self._agent.step(frame, blank)
            if decision.state is not TargetState.FOUND:
                break
        return decision

    def _filter(self, decision: Decision, paused: bool) -> Decision:
        lost = any(isinstance(command, ObjectLost) for command in decision.commands)
        if paused:
            if lost and self._flying_to_target and not self._withheld:
                self._withheld = decision.commands
            return dataclasses.replace(decision, commands=())
        withheld, self._withheld = self._withheld, ()
        if lost or withheld:
            self._flying_to_target = False
        if any(isinstance(command, ObjectDetected) for command in decision.commands):
            self._flying_to_target = True
        return dataclasses.replace(decision, commands=withheld + decision.commands) if withheld else decision


def _blank(probabilities: np.ndarray) -> np.ndarray:
    """The same picture with nobody in it."""
    blank = np.zeros_like(probabilities)
    blank[..., 0] = 1
    return blank
