"""People who could be the target: their tracks, the evidence for and against each, and whose candidate is whose."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from follower.filter import MIN_GATE, Candidate, Track, squared_distance, start_track, update
from follower.timing import FRAME_INTERVAL

HALF_LIFE = 0.85  # seconds in which evidence halves: views close in time are not independent
NEGATIVE_HALF_LIFE = 4.5  # seconds, for evidence against a person who is not visible
# m/s: QuadSim runs at up to nine times the speed of its timestamps, and people walk at 1.6 m/s.
MAX_SPEED = 15.0
RUNNING_SPEED = 4.0  # m/s, of people who walked before
SPEED_RATIO = 2.0  # of the greatest speed to a person's usual one
SPEED_CONSTANT = 1.0  # seconds in which a person's usual speed becomes known
MAX_RUN = 0.4  # seconds out of view in which a person may get as far as that
MIN_CLEAR_STRENGTH = 0.1  # square metres of silhouette of which a hand has less, and a half hidden person more


@dataclass(frozen=True)
class Hypothesis:
    """One person who could be the target: a track and the recent evidence."""

    track: Track
    evidence: float  # decaying sum of log-odds
    seen: float  # seconds in which the person was visible
    missed: float  # seconds since then
    last_seen: np.ndarray  # (3,) metres
    usual_speed: float = MAX_SPEED / SPEED_RATIO  # m/s, mean of recent seconds

    @property
    def greatest_speed(self) -> float:
        """The fastest that the person can be, m/s."""
        return min(max(SPEED_RATIO * self.usual_speed, RUNNING_SPEED), MAX_SPEED)

    def reach(self, seconds: float) -> float:
        """Return how far from where it was last seen the person can be after some `seconds`, metres."""
        return MIN_GATE + self.greatest_speed * seconds


def _decay(seconds: float, half_life: float) -> float:
    return float(0.5 ** (seconds / half_life))


def _weight(seconds: float) -> float:
    """Return what the evidence of a frame counts: one at QuadSim's frame rate, less when frames are closer in time."""
    return min((1 - _decay(seconds, HALF_LIFE)) / (1 - _decay(FRAME_INTERVAL, HALF_LIFE)), 1.0)


def start_hypothesis(time: float, seconds: float, candidate: Candidate) -> Hypothesis:
    """Return the hypothesis of a person first seen in a frame of `time` that stands for some `seconds`."""
    track = start_track(time, candidate, np.zeros(3))
    return Hypothesis(track, _weight(seconds) * candidate.log_odds, seconds, 0.0, candidate.point)


def hit(hypothesis: Hypothesis, track: Track, seconds: float, candidate: Candidate) -> Hypothesis:
    """Return the hypothesis after a frame in which its person is the `candidate`; `track` predicts that frame."""
    evidence = _decay(seconds, HALF_LIFE) * hypothesis.evidence + _weight(seconds) * candidate.log_odds
    if math.isfinite(squared_distance(track, candidate)):
        track = update(track, candidate)
    else:
        velocity = (candidate.point - hypothesis.last_seen) / (hypothesis.missed + seconds)
        greatest = SPEED_RATIO * hypothesis.usual_speed
        velocity *= min(1.0, greatest / max(float(np.linalg.norm(velocity)), 1e-6))
        track = start_track(track.time, candidate, velocity)
    usual, speed = hypothesis.usual_speed, float(np.linalg.norm(track.mean[3:5]))
    usual += (1 - math.exp(-seconds / SPEED_CONSTANT)) * (speed - usual)
    return Hypothesis(track, evidence, hypothesis.seen + seconds, 0.0, track.point, usual)


def miss(hypothesis: Hypothesis, track: Track, seconds: float, against: float) -> Hypothesis:
    """Return the hypothesis after a frame without its person, and with evidence `against` it, at most 0."""
    half_life = NEGATIVE_HALF_LIFE if hypothesis.evidence < 0 and not against else HALF_LIFE
    evidence = _decay(seconds, half_life) * hypothesis.evidence + _weight(seconds) * against
    return replace(hypothesis, track=track, evidence=evidence, missed=hypothesis.missed + seconds)


def likeliest(track: Track, candidates: Sequence[Candidate], taken: Sequence[int | None]) -> int | None:
    """Return the index of the candidate most likely to be the track's person: near the prediction and strong."""
    best, best_score = None, -math.inf
    for index, candidate in enumerate(candidates):
        score = math.log(candidate.strength) - squared_distance(track, candidate) / 2
        if index not in taken and score > best_score:
            best, best_score = index, score
    return best


def nearest_in_reach(
    hypothesis: Hypothesis, seconds: float, candidates: Sequence[Candidate], taken: Sequence[int | None]
) -> int | None:
    """Return the index of the nearest clear view of the target as far as people get, whatever the gate says."""
    best, best_distance = None, hypothesis.reach(min(hypothesis.missed + seconds, MAX_RUN))
    for index, candidate in enumerate(candidates):
        distance = float(np.linalg.norm(candidate.point - hypothesis.last_seen))
        clear = candidate.can_start and candidate.log_odds > 0 and candidate.strength >= MIN_CLEAR_STRENGTH
        if index not in taken and clear and distance < best_distance:
            best, best_distance = index, distance
    return best
