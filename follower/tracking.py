"""Follows the hero through the world: found or lost, which blob it is, and a smooth point to fly to.

A constant-velocity Kalman filter over world points, with the simulator's timestamps as its only clock. It knows no
pixels and sends nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from follower.types import TargetState

ACCELERATION = np.array([1.5, 1.5, 0.3])  # metres per second squared: a walking person turns, and stays on the ground
START_SPEED = np.array([1.5, 1.5, 0.3])  # metres per second, the speed that a person just found may have
GATE = 16.3  # squared Mahalanobis distance that 999 of 1000 right measurements keep (chi-square, 3 degrees of freedom)
MIN_REACH = 1.0  # metres within which a measurement always belongs to the track, however sure the filter is of itself
STALE = 2.0  # seconds without a frame after which the velocity says nothing any more
MEMORY = 0.85  # of the evidence that is left after a frame: half of it after 0.9 s of QuadSim's frames
MARGIN = 1.1  # times more evidence than for the hero so far: another person is the likelier hero
MAX_HYPOTHESES = 4


@dataclass(frozen=True)
class Track:
    """What the filter believes at `time`: mean (6,) = position and velocity; covariance (6, 6)."""

    time: float
    mean: np.ndarray
    covariance: np.ndarray

    @property
    def point(self) -> np.ndarray:
        """(3,) position, metres."""
        return self.mean[:3]


@dataclass(frozen=True)
class Candidate:
    """One blob's place in the world and what it is worth."""

    point: np.ndarray  # (3,) metres
    covariance: np.ndarray  # (3, 3) of the point's error
    strength: float  # how much speaks for it being the hero, positive
    good: bool = True  # enough to start a track; the others are only good enough to stay on one


def start_track(time: float, candidate: Candidate) -> Track:
    """A track of one measurement, of unknown velocity."""
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = candidate.covariance
    covariance[3:, 3:] = np.diag(START_SPEED**2)
    return Track(time, np.concatenate([candidate.point, np.zeros(3)]), covariance)


def predict(track: Track, time: float) -> Track:
    """The track at a later time. Time that stands still or runs back (a repeated frame, a restart) moves nothing."""
    step = time - track.time
    if not step > 0:
        return Track(time, track.mean, track.covariance)
    transition = np.eye(6)
    transition[:3, 3:] = np.eye(3) * step
    # White acceleration, constant over the step.
    gain = np.vstack([np.diag(ACCELERATION * step**2 / 2), np.diag(ACCELERATION * step)])
    covariance = transition @ track.covariance @ transition.T + gain @ gain.T
    return Track(time, transition @ track.mean, covariance)


def update(track: Track, candidate: Candidate) -> Track:
    """The track after a measurement at the track's own time."""
    gain = np.linalg.solve(track.covariance[:3, :3] + candidate.covariance, track.covariance[:3]).T
    mean = track.mean + gain @ (candidate.point - track.point)
    # Joseph's form: stays symmetric and positive however often it runs.
    kept = np.eye(6)
    kept[:, :3] -= gain
    covariance = kept @ track.covariance @ kept.T + gain @ candidate.covariance @ gain.T
    return Track(track.time, mean, covariance)


def distance(track: Track, candidate: Candidate) -> float:
    """Squared Mahalanobis distance of a measurement from the track; infinite when it cannot belong to it."""
    offset = candidate.point - track.point
    squared = float(offset @ np.linalg.solve(track.covariance[:3, :3] + candidate.covariance, offset))
    if squared <= GATE:
        return squared
    return GATE if float(np.linalg.norm(offset)) <= MIN_REACH else math.inf


@dataclass(frozen=True)
class Hypothesis:
    """One person who could be the hero: a track, and how much has spoken for it lately."""

    track: Track
    evidence: float  # sum of strengths, fading by MEMORY a frame
    seen: int  # frames in which it was seen
    missed: int  # frames in a row in which it was not


class Tracker:
    """Decides frame by frame which candidate is the hero, and whether the hero is found.

    Everyone who looked like the hero lately is followed, one of them is taken for the hero. Another takes that place
    only when much more has spoken for it: a wrong person is not followed for being seen a frame or two, and is left
    again when the hero is back.

    Args:
        lost_after: frames in a row without the hero after which it is lost.
        reacquire_after: frames in which another person must have been seen to be taken for the hero instead.
    """

    def __init__(self, lost_after: int, reacquire_after: int) -> None:
        self.state = TargetState.SEARCHING
        self._lost_after = lost_after
        self._reacquire_after = reacquire_after
        self._hypotheses: list[Hypothesis] = []  # the hero first

    @property
    def track(self) -> Track | None:
        """The filter's estimate for the last frame, extrapolated when the hero was missed; None without a target."""
        return self._hypotheses[0].track if self._hypotheses else None

    def step(self, time: float, candidates: Sequence[Candidate]) -> int | None:
        """Takes one frame's candidates; returns the index of the hero's, None when it is missed."""
        if self.track is None or time - self.track.time > STALE:
            # After so long a gap the tracks say nothing: stay with the target, but believe what is seen now.
            return self._start(time, candidates)
        chosen, hypotheses = self._associate(time, candidates)
        hero, *others = range(len(hypotheses))
        for other in others:
            eligible = chosen[other] is not None and hypotheses[other].seen >= self._reacquire_after
            if eligible and hypotheses[other].evidence > MARGIN * hypotheses[hero].evidence:
                hero = other
        self._hypotheses = [hypotheses[hero]]
        self._hypotheses += [h for h in hypotheses if h is not hypotheses[hero] and h.missed < self._lost_after]
        self._check_lost()
        return chosen[hero]

    def _start(self, time: float, candidates: Sequence[Candidate]) -> int | None:
        good = [index for index, candidate in enumerate(candidates) if candidate.good]
        if good:
            strongest = max(good, key=lambda index: candidates[index].strength)
            self._hypotheses = [_begin(time, candidates[strongest])]
            self.state = TargetState.FOUND
            return strongest
        if self._hypotheses:
            hero = self._hypotheses[0]
            self._hypotheses = [replace(hero, missed=hero.missed + 1)]
            self._check_lost()
        return None

    def _associate(self, time: float, candidates: Sequence[Candidate]) -> tuple[list[int | None], list[Hypothesis]]:
        """Every hypothesis takes its likeliest candidate, the hero's first; good ones that are left begin their own."""
        chosen: list[int | None] = []
        hypotheses = []
        for hypothesis in self._hypotheses:
            track = predict(hypothesis.track, time)
            index = _likeliest(track, candidates, chosen)
            chosen.append(index)
            evidence = MEMORY * hypothesis.evidence
            if index is None:
                hypotheses.append(Hypothesis(track, evidence, hypothesis.seen, hypothesis.missed + 1))
            else:
                track, evidence = update(track, candidates[index]), evidence + candidates[index].strength
                hypotheses.append(Hypothesis(track, evidence, hypothesis.seen + 1, missed=0))
        for index, candidate in enumerate(candidates):
            if index not in chosen and candidate.good and len(hypotheses) < MAX_HYPOTHESES:
                chosen.append(index)
                hypotheses.append(_begin(time, candidate))
        return chosen, hypotheses

    def _check_lost(self) -> None:
        if self._hypotheses[0].missed >= self._lost_after:
            self._hypotheses = []
            self.state = TargetState.LOST


def _begin(time: float, candidate: Candidate) -> Hypothesis:
    return Hypothesis(start_track(time, candidate), candidate.strength, seen=1, missed=0)


def _likeliest(track: Track, candidates: Sequence[Candidate], taken: Sequence[int | None]) -> int | None:
    """The candidate that is likeliest the track's person: near the prediction and strong."""
    best, best_score = None, -math.inf
    for index, candidate in enumerate(candidates):
        score = math.log(candidate.strength) - distance(track, candidate) / 2
        if index not in taken and score > best_score:
            best, best_score = index, score
    return best
