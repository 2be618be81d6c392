"""A constant-velocity Kalman filter over points in the world (not pixels), timed by the simulator's timestamps."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

ACCELERATION = np.array([1.5, 1.5, 0.3])  # m/s^2, standard deviation: a walking person turns, and stays on the ground
START_SPEED = np.array([1.5, 1.5, 0.3])  # m/s, standard deviation of a new track's velocity
GATE = 16.3  # squared Mahalanobis distance: 99.9 % of a chi-square distribution with 3 degrees of freedom
MIN_GATE = 1.0  # metres within which a measurement always belongs to the track, however certain the filter is


@dataclass(frozen=True)
class Track:
    """The filter's estimate at `time`: mean (6,) of position and velocity, covariance (6, 6)."""

    time: float
    mean: np.ndarray
    covariance: np.ndarray

    @property
    def point(self) -> np.ndarray:
        """Position (3,), metres."""
        return self.mean[:3]

    @property
    def velocity(self) -> np.ndarray:
        """Velocity (3,), m/s."""
        return self.mean[3:]


@dataclass(frozen=True)
class Candidate:
    """A blob's position in the world and the evidence that it is the target."""

    point: np.ndarray  # (3,) metres
    covariance: np.ndarray  # (3, 3) of the point's error
    # Square metres of silhouette times confidence; of two candidates near one track, the stronger is more likely to be
    # that person.
    strength: float
    log_odds: float  # that this person is the target, from this frame alone; negative: more likely another person
    can_start: bool = True  # large enough to start a track; otherwise only to continue one
    by_silhouette: float = 0.0  # the part of `log_odds` that the silhouette gives,
    forgivable: float = 0.0  # and what may be added to that if this is the target already
    distant: bool = False  # the quad can be sent nearer, for evidence that is more reliable


class Absence(NamedTuple):
    """What it says about a person that there is no candidate where the person should be."""

    log_odds: float = 0.0  # that the person is the target, at most 0
    small: bool = False  # whoever is there is so small in the picture that the target may have been missed


def predict(track: Track, time: float) -> Track:
    """Return the track at a later time; time that stands still or runs back (a repeat, a restart) moves nothing."""
    step = time - track.time
    if not step > 0:
        return Track(time, track.mean, track.covariance)
    transition = np.eye(6)
    transition[:3, 3:] = np.eye(3) * step
    # White acceleration noise, constant over the step.
    noise = np.vstack([np.diag(ACCELERATION * step**2 / 2), np.diag(ACCELERATION * step)])
    covariance = transition @ track.covariance @ transition.T + noise @ noise.T
    return Track(time, transition @ track.mean, covariance)


def update(track: Track, candidate: Candidate) -> Track:
    """Return the track after a measurement at the track's own time."""
    gain = np.linalg.solve(track.covariance[:3, :3] + candidate.covariance, track.covariance[:3]).T
    mean = track.mean + gain @ (candidate.point - track.point)
    # Joseph form: stays symmetric and positive definite however often it runs.
    kept = np.eye(6)
    kept[:, :3] -= gain
    covariance = kept @ track.covariance @ kept.T + gain @ candidate.covariance @ gain.T
    return Track(track.time, mean, covariance)


def squared_distance(track: Track, candidate: Candidate) -> float:
    """Return the squared Mahalanobis distance of a measurement from the track; infinite outside the gate."""
    offset = candidate.point - track.point
    squared = float(offset @ np.linalg.solve(track.covariance[:3, :3] + candidate.covariance, offset))
    if squared <= GATE:
        return squared
    return GATE if float(np.linalg.norm(offset)) <= MIN_GATE else math.inf


def start_track(time: float, candidate: Candidate, velocity: np.ndarray) -> Track:
    """Return a track that starts at a candidate, with a `velocity` (3,) that is no more than likely, m/s."""
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = candidate.covariance
    covariance[3:, 3:] = np.diag(START_SPEED**2)
    return Track(time, np.concatenate([candidate.point, velocity]), covariance)
