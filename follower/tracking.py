"""Follows the hero through the world: found or lost, which blob it is, and a smooth point to fly to.

A constant-velocity Kalman filter over world points, with the simulator's timestamps as its only clock. It knows no
pixels and sends nothing.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from follower.types import TargetState

ACCELERATION = np.array([1.5, 1.5, 0.3])  # metres per second squared: a walking person turns, and stays on the ground
START_SPEED = np.array([1.5, 1.5, 0.3])  # metres per second, the speed that a person just found may have
GATE = 16.3  # squared Mahalanobis distance that 999 of 1000 right measurements keep (chi-square, 3 degrees of freedom)
MIN_REACH = 1.0  # metres within which a measurement always belongs to the track, however sure the filter is of itself
STALE = 2.0  # seconds without a frame after which the velocity says nothing any more
CONVINCED = 3.0  # log-odds from which on a person is followed: 20 to 1
MEMORY = 0.85  # of the evidence that is left after a frame: half of it after 0.9 s of QuadSim's frames
GRUDGE = 0.97  # the same for evidence against somebody out of sight: half of it after 4.6 s
MARGIN = 1.1  # times more evidence than for the hero so far: another person is the likelier hero
REMEMBERED = 25  # frames for which somebody who is not the hero is known to be somewhere out of sight
MAX_OTHERS = 7


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
    strength: float  # how much of a hero there is, positive: of two on one track the stronger is likelier that person
    log_odds: float  # that this person is the hero, from this look alone; negative: rather somebody else
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
    """One person who could be the hero: a track, and what has spoken for and against lately."""

    track: Track
    evidence: float  # sum of log-odds, fading
    seen: int  # frames in which it was seen
    missed: int  # frames in a row in which it was not


class Tracker:
    """Decides frame by frame which candidate is the hero, and whether the hero is found.

    Everyone who looks a little like the hero is tracked, and evidence is gathered as in a sequential probability ratio
    test: only a person for whom enough has spoken is followed. Looks at one person from one place err alike, so old
    evidence fades, and what is seen from nearer can overrule it: then the target is somebody else, and lost. Such a
    person is remembered for a while, not to be followed again at the next glance. Another person takes the target's
    place only with more evidence.

    Args:
        max_missed_frames: frames in a row without the hero after which it is lost.
        switch_after_frames: frames in which another person must have been seen to be taken for the hero instead.
    """

    def __init__(self, max_missed_frames: int, switch_after_frames: int) -> None:
        self.state = TargetState.SEARCHING
        self._lost_after = max_missed_frames
        self._reacquire_after = switch_after_frames
        self._hypotheses: list[Hypothesis] = []  # the target first, where the hero is found

    @property
    def track(self) -> Track | None:
        """The filter's estimate for the last frame, extrapolated when the hero was missed; None without a target."""
        return self._hypotheses[0].track if self.state is TargetState.FOUND else None

    def drop_target(self) -> None:
        """Drop the target, if there is one, and everybody else who is tracked."""
        if self.state is TargetState.FOUND:
            self.state = TargetState.LOST
        self._hypotheses = []

    def step(
        self, time: float, candidates: Sequence[Candidate], doubt: Callable[[np.ndarray], float] = lambda point: 0.0
    ) -> int | None:
        """Takes one frame's candidates; returns the index of the hero's, None when it is missed.

        Args:
            time: seconds.
            candidates: of this frame.
            doubt: log-odds, at most 0, from what is seen at a point (3,) where a tracked person should be and no
                candidate is.
        """
        if self._hypotheses and time - self._hypotheses[0].track.time > STALE:
            if self.state is TargetState.FOUND:
                return self._resume(time, candidates)
            self._hypotheses = []
        chosen, hypotheses = self._associate(time, candidates, doubt)
        target = self._choose(chosen, hypotheses)
        self._keep(target, hypotheses)
        return None if target is None else chosen[target]

    def _resume(self, time: float, candidates: Sequence[Candidate]) -> int | None:
        """After so long a gap the tracks say nothing: stays with the target, but believes what is seen now."""
        target = self._hypotheses[0]
        likely = [index for index, candidate in enumerate(candidates) if candidate.good and candidate.log_odds > 0]
        if not likely:
            self._keep(0 if target.missed + 1 < self._lost_after else None, [replace(target, missed=target.missed + 1)])
            return None
        strongest = max(likely, key=lambda index: candidates[index].strength)
        self._keep(0, [replace(_begin(time, candidates[strongest]), evidence=target.evidence)])
        return strongest

    def _associate(
        self, time: float, candidates: Sequence[Candidate], doubt: Callable[[np.ndarray], float]
    ) -> tuple[list[int | None], list[Hypothesis]]:
        """Every hypothesis takes its likeliest candidate, the target's first; good ones left over begin their own."""
        chosen: list[int | None] = []
        hypotheses = []
        for hypothesis in self._hypotheses:
            track, evidence = predict(hypothesis.track, time), hypothesis.evidence
            index = _likeliest(track, candidates, chosen)
            chosen.append(index)
            if index is None:
                against = doubt(track.point)
                evidence = (GRUDGE if evidence < 0 and not against else MEMORY) * evidence + against
                hypotheses.append(Hypothesis(track, evidence, hypothesis.seen, hypothesis.missed + 1))
            else:
                track, evidence = update(track, candidates[index]), MEMORY * evidence + candidates[index].log_odds
                hypotheses.append(Hypothesis(track, evidence, hypothesis.seen + 1, missed=0))
        for index, candidate in enumerate(candidates):
            if index not in chosen and candidate.good:
                chosen.append(index)
                hypotheses.append(_begin(time, candidate))
        return chosen, hypotheses

    def _choose(self, chosen: Sequence[int | None], hypotheses: Sequence[Hypothesis]) -> int | None:
        """The target's index: it stays who it was unless lost, disproved or outdone."""
        target, least, frames = None, CONVINCED, 1
        if self.state is TargetState.FOUND:
            followed = hypotheses[0]
            if followed.missed < self._lost_after and followed.evidence > 0:
                target, least, frames = 0, max(CONVINCED, MARGIN * followed.evidence), self._reacquire_after
        for index, hypothesis in enumerate(hypotheses):
            convincing = hypothesis.evidence >= least and hypothesis.seen >= frames
            if index != target and chosen[index] is not None and convincing:
                target, least = index, hypothesis.evidence
        return target

    def _keep(self, target: int | None, hypotheses: Sequence[Hypothesis]) -> None:
        """The target first; of the others those seen lately, and for longer those who are known not to be the hero."""
        others = [
            hypothesis
            for index, hypothesis in enumerate(hypotheses)
            if index != target and hypothesis.missed < (self._lost_after if hypothesis.evidence > 0 else REMEMBERED)
        ]
        others = sorted(others, key=lambda hypothesis: hypothesis.missed)[:MAX_OTHERS]
        if target is not None:
            self.state = TargetState.FOUND
            self._hypotheses = [hypotheses[target], *others]
        else:
            if self.state is TargetState.FOUND:
                self.state = TargetState.LOST
            self._hypotheses = others


def _begin(time: float, candidate: Candidate) -> Hypothesis:
    return Hypothesis(start_track(time, candidate), candidate.log_odds, seen=1, missed=0)


def _likeliest(track: Track, candidates: Sequence[Candidate], taken: Sequence[int | None]) -> int | None:
    """The candidate that is likeliest the track's person: near the prediction and strong."""
    best, best_score = None, -math.inf
    for index, candidate in enumerate(candidates):
        score = math.log(candidate.strength) - distance(track, candidate) / 2
        if index not in taken and score > best_score:
            best, best_score = index, score
    return best
