"""A constant-velocity Kalman filter over points in the world (not pixels), timed by the simulator's timestamps."""

import math
from dataclasses import dataclass

import numpy as np

from follower.tracking.candidates import Candidate

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
