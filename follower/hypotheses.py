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
MAX_RUN = 0.4  # seconds out of view in which a person may get as far as that


@dataclass(frozen=True)
class Hypothesis:
    """One person who could be the target: a track and the recent evidence."""

    track: Track
    evidence: float  # decaying sum of log-odds
    seen: float  # seconds in which the person was visible
    missed: float  # seconds since then
    last_seen: np.ndarray  # (3,) metres


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
        track = start_track(track.time, candidate, velocity)
    return Hypothesis(track, evidence, hypothesis.seen + seconds, 0.0, track.point)


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
    best, best_distance = None, MIN_GATE + MAX_SPEED * min(hypothesis.missed + seconds, MAX_RUN)
    for index, candidate in enumerate(candidates):
        distance = float(np.linalg.norm(candidate.point - hypothesis.last_seen))
        clear = candidate.can_start and candidate.log_odds > 0
        if index not in taken and clear and distance < best_distance:
            best, best_distance = index, distance
    return best
