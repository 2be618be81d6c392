"""People who could be the target: their tracks, how fast they are, and the evidence for and against each."""

import math
from dataclasses import dataclass, replace

import numpy as np

from follower.timing import FRAME_INTERVAL
from follower.tracking.candidates import Absence, Candidate
from follower.tracking.kalman_filter import MIN_GATE, Track, squared_distance, start_track, update

TYPICAL_CONSTANT = 10.0  # seconds in which it becomes known how typical a person is
PROBATION = 6.0  # seconds of reliable views that show whether a person is the target
LEAST_RESEMBLANCE = 1.75  # mean log-odds of such views of the target, which most other people in red do not reach
CERTAIN_LOG_ODDS = 12.0  # evidence from which on a person is certainly the target
MAX_DISTANT_EVIDENCE = 2.0  # log-odds that distant views can add up to
MIN_APPROACHED_EVIDENCE = 0.1  # that they leave once the quad is on its way
# Log-odds against the target that one frame counts at most: in a crowd, people step between it and the camera.
MAX_AGAINST_TARGET = 3.0
MIN_FORGIVEN = 2.5  # log-odds against the target that one view may have without counting: light and pose change
HOLD = 0.3  # of the log-odds that were typical of it: the most that such a view counts for it
HALF_LIFE = 0.85  # seconds in which evidence halves: views close in time are not independent
NEGATIVE_HALF_LIFE = 4.5  # seconds, for evidence against a person who is not visible
# m/s: QuadSim runs at up to nine times the speed of its timestamps, and people walk at 1.6 m/s.
MAX_SPEED = 15.0
RUNNING_SPEED = 4.0  # m/s, of people who walked before
SPEED_RATIO = 2.0  # of the greatest speed to a person's usual one
# Seconds in which a person's usual speed becomes known, and those in which it is forgotten while the person stands.
SPEED_CONSTANT, STANDING_CONSTANT = 1.0, 10.0
NEW_SECONDS = 3.0  # in view, until which the usual speed may only be what is assumed at first


@dataclass(frozen=True)
class Hypothesis:
    """One person who could be the target: a track and the recent evidence."""

    track: Track
    evidence: float  # decaying sum of log-odds
    seen: float  # seconds in which the person was visible
    missed: float  # seconds since then
    last_seen: np.ndarray  # (3,) metres
    usual_speed: float = MAX_SPEED / SPEED_RATIO  # m/s
    distant: bool = False  # in its last view: the quad can be sent nearer
    approached: float = 0.0  # seconds for which it has been
    looked_at: float = 0.0  # seconds for which it has been, near
    typical: float = 0.0  # mean of the log-odds that recent silhouettes gave
    examined: float = 0.0  # seconds of reliable views on probation
    resemblance: float = 0.0  # mean of the log-odds that the silhouette gave in them
    established: bool = False  # whether they have shown that the person is the target
    uncertain: float = math.inf  # seconds since it was certainly the target

    @property
    def greatest_speed(self) -> float:
        """The fastest that the person can be, m/s."""
        return min(max(SPEED_RATIO * self.usual_speed, RUNNING_SPEED), MAX_SPEED)

    @property
    def implausible(self) -> bool:
        """Whether reliable views have shown that the person is not the target."""
        return self.examined >= PROBATION and not self.established

    def reach(self, seconds: float) -> float:
        """Return how far from where it was last seen the person can be after some `seconds`, metres."""
        return MIN_GATE + self.greatest_speed * seconds

    def distance(self, candidate: Candidate) -> float:
        """Return the distance of a candidate from where the person was last seen, metres."""
        return float(np.linalg.norm(candidate.point - self.last_seen))


def _decay(seconds: float, half_life: float) -> float:
    return float(0.5 ** (seconds / half_life))


def _weight(seconds: float) -> float:
    """Return what the evidence of a frame counts: one at QuadSim's frame rate, less when frames are closer in time."""
    return min((1 - _decay(seconds, HALF_LIFE)) / (1 - _decay(FRAME_INTERVAL, HALF_LIFE)), 1.0)


def _add(evidence: float, seconds: float, candidate: Candidate) -> float:
    """Return the evidence after a frame with the person's candidate."""
    evidence += _weight(seconds) * candidate.log_odds
    return min(evidence, MAX_DISTANT_EVIDENCE) if candidate.distant else evidence


def as_target(target: Hypothesis, candidate: Candidate) -> Candidate:
    """Return a view of the target with its evidence: the more typical it has been, the less an untypical one counts."""
    log_odds, typical = candidate.log_odds, max(target.typical, 0.0)
    if candidate.by_silhouette < 0:
        most = max(HOLD * typical - candidate.by_silhouette, 0.0)
        log_odds += min(candidate.forgivable, MIN_FORGIVEN + typical, most)
    return replace(candidate, log_odds=max(log_odds, -MAX_AGAINST_TARGET), distant=False)


def start_hypothesis(time: float, seconds: float, candidate: Candidate) -> Hypothesis:
    """Return the hypothesis of a person first seen in a frame of `time` that stands for some `seconds`."""
    track = start_track(time, candidate, np.zeros(3))
    evidence = _add(0.0, seconds, candidate)
    return Hypothesis(track, evidence, seconds, 0.0, candidate.point, distant=candidate.distant)


def hit(hypothesis: Hypothesis, track: Track, seconds: float, candidate: Candidate) -> Hypothesis:
    """Return the hypothesis after a frame in which its person is the `candidate`; `track` predicts that frame."""
    evidence = _add(_decay(seconds, HALF_LIFE) * hypothesis.evidence, seconds, candidate)
    if candidate.distant and hypothesis.approached:
        evidence = max(evidence, MIN_APPROACHED_EVIDENCE)
    if math.isfinite(squared_distance(track, candidate)):
        track = update(track, candidate)
    else:
        velocity = (candidate.point - hypothesis.last_seen) / (hypothesis.missed + seconds)
        likely = min(SPEED_RATIO * hypothesis.usual_speed, MAX_SPEED)  # no running: it may be another person's place
        velocity *= min(1.0, likely / max(float(np.linalg.norm(velocity)), 1e-6))
        track = start_track(track.time, candidate, velocity)
    usual, speed = hypothesis.usual_speed, float(np.linalg.norm(track.mean[3:5]))
    stands = speed < usual and hypothesis.seen >= NEW_SECONDS
    usual += (1 - math.exp(-seconds / (STANDING_CONSTANT if stands else SPEED_CONSTANT))) * (speed - usual)
    gain = 1 - math.exp(-seconds / TYPICAL_CONSTANT)
    return replace(
        hypothesis,
        track=track,
        evidence=evidence,
        seen=hypothesis.seen + seconds,
        missed=0.0,
        last_seen=track.point,
        usual_speed=usual,
        distant=candidate.distant,
        typical=hypothesis.typical + gain * (candidate.by_silhouette - hypothesis.typical),
        uncertain=0.0 if evidence >= CERTAIN_LOG_ODDS else hypothesis.uncertain + seconds,
    )


def reject(hypothesis: Hypothesis) -> Hypothesis:
    """Return the hypothesis without evidence for it: reliable views have shown another person."""
    return replace(hypothesis, evidence=min(hypothesis.evidence, 0.0))


def examine(hypothesis: Hypothesis, seconds: float, candidate: Candidate) -> Hypothesis:
    """Return the hypothesis of a person on probation after a frame with its candidate, reliable or not."""
    if not candidate.reliable:
        return hypothesis
    examined = hypothesis.examined + seconds
    resemblance = hypothesis.resemblance + seconds / examined * (candidate.by_silhouette - hypothesis.resemblance)
    established = hypothesis.established or (examined >= PROBATION and resemblance >= LEAST_RESEMBLANCE)
    return replace(hypothesis, examined=examined, resemblance=resemblance, established=established)


def miss(hypothesis: Hypothesis, track: Track, seconds: float, absence: Absence) -> Hypothesis:
    """Return the hypothesis after a frame without a candidate for its person."""
    half_life = NEGATIVE_HALF_LIFE if hypothesis.evidence < 0 and not absence.log_odds else HALF_LIFE
    evidence = _decay(seconds, half_life) * hypothesis.evidence + _weight(seconds) * absence.log_odds
    if absence.small and hypothesis.approached and hypothesis.evidence > 0:
        evidence = max(evidence, MIN_APPROACHED_EVIDENCE)
    missed, uncertain = hypothesis.missed + seconds, hypothesis.uncertain + seconds
    return replace(hypothesis, track=track, evidence=evidence, missed=missed, uncertain=uncertain)
