"""Follows the hero through the world: found or lost, which blob it is, and a smooth point to fly to.

A constant-velocity Kalman filter over world points, with the simulator's timestamps as its only clock. It knows no
pixels and sends nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from follower.types import TargetState

ACCELERATION = np.array([1.5, 1.5, 0.3])  # metres per second squared: a walking person turns, and stays on the ground
START_SPEED = np.array([1.5, 1.5, 0.3])  # metres per second, the speed that a person just found may have
GATE = 16.3  # squared Mahalanobis distance that 999 of 1000 right measurements keep (chi-square, 3 degrees of freedom)
MIN_REACH = 1.0  # metres within which a measurement always belongs to the track, however sure the filter is of itself
STALE = 2.0  # seconds without a frame after which the velocity says nothing any more
RIVAL = 2.0  # times stronger than the blob on the track: a second blob that is the likelier hero


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


class Tracker:
    """Decides frame by frame which candidate is the hero, and whether the hero is found.

    A candidate away from the track is not believed at first: a wrong person may be taken for the hero for a frame or
    two. When it persists where the track does not, or clearly stronger than the blob on the track, the track was wrong
    and starts anew there.

    Args:
        lost_after: frames in a row without the hero after which it is lost.
        reacquire_after: frames in a row that a candidate away from the track must persist.
    """

    def __init__(self, lost_after: int, reacquire_after: int) -> None:
        self.state = TargetState.SEARCHING
        self.track: Track | None = None
        self._lost_after = lost_after
        self._reacquire_after = reacquire_after
        self._misses = 0
        self._challenger: Track | None = None
        self._challenges = 0

    def step(self, time: float, candidates: Sequence[Candidate]) -> int | None:
        """Takes one frame's candidates, strongest first; returns the index of the hero's, None when it is missed.

        Afterwards `state` and `track` hold: the track is the filter's estimate for this frame, extrapolated when the
        hero was missed, None while there is no target.
        """
        if self.track is None or time - self.track.time > STALE:
            # After so long a gap the track says nothing: stay with the target, but believe what is seen now.
            good = [i for i, candidate in enumerate(candidates) if candidate.good]
            if good:
                return self._acquire(time, candidates, good[0])
            return self._miss()
        self.track = predict(self.track, time)
        distances = [distance(self.track, candidate) for candidate in candidates]
        chosen = _likeliest(candidates, distances)
        rival = self._challenge(time, candidates, distances, chosen)
        if rival is not None:
            return self._acquire(time, candidates, rival)
        if chosen is None:
            return self._miss()
        self.track = update(self.track, candidates[chosen])
        self._misses = 0
        return chosen

    def _acquire(self, time: float, candidates: Sequence[Candidate], index: int) -> int:
        self.state = TargetState.FOUND
        self.track = start_track(time, candidates[index])
        self._misses = 0
        self._challenger, self._challenges = None, 0
        return index

    def _miss(self) -> None:
        if self.state is not TargetState.FOUND:
            return
        self._misses += 1
        if self._misses >= self._lost_after:
            self.state = TargetState.LOST
            self.track = None
            self._challenger, self._challenges = None, 0

    def _challenge(
        self, time: float, candidates: Sequence[Candidate], distances: Sequence[float], chosen: int | None
    ) -> int | None:
        """Follows the strongest candidate away from the track; its index once it has persisted long enough."""
        needed = RIVAL * candidates[chosen].strength if chosen is not None else 0.0
        away = [
            i
            for i, d in enumerate(distances)
            if math.isinf(d) and candidates[i].good and candidates[i].strength >= needed
        ]
        if not away:
            self._challenger, self._challenges = None, 0
            return None
        challenger = predict(self._challenger, time) if self._challenger is not None else None
        near = [i for i in away if challenger is not None and math.isfinite(distance(challenger, candidates[i]))]
        index = near[0] if near else away[0]
        self._challenger = update(challenger, candidates[index]) if near else start_track(time, candidates[index])
        self._challenges = self._challenges + 1 if near else 1
        return index if self._challenges >= self._reacquire_after else None


def _likeliest(candidates: Sequence[Candidate], distances: Sequence[float]) -> int | None:
    """The candidate on the track that is likeliest the hero: near the prediction and strong."""
    reachable = [i for i, squared in enumerate(distances) if math.isfinite(squared)]
    if not reachable:
        return None
    return max(reachable, key=lambda i: math.log(candidates[i].strength) - distances[i] / 2)
