"""Track the target through the world: found or lost, which candidate it is, and a smooth point to fly to.

A constant-velocity Kalman filter over world points (not pixels), with the simulator's timestamps as its only clock.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from follower.timing import FRAME_INTERVAL, frame_seconds
from follower.types import TargetState

ACCELERATION = np.array([1.5, 1.5, 0.3])  # m/s^2, standard deviation: a walking person turns, and stays on the ground
START_SPEED = np.array([1.5, 1.5, 0.3])  # m/s, standard deviation of a new track's velocity
GATE = 16.3  # squared Mahalanobis distance: 99.9 % of a chi-square distribution with 3 degrees of freedom
MIN_GATE = 1.0  # metres within which a measurement always belongs to the track, however certain the filter is
MAX_GAP = 2.0  # seconds without a frame after which the velocity is meaningless
CONFIRM_LOG_ODDS = 3.0  # evidence with which a person becomes the target: 20 to 1
HALF_LIFE = 0.85  # seconds in which evidence halves: views close in time are not independent
NEGATIVE_HALF_LIFE = 4.5  # seconds, for evidence against a person who is not visible
SWITCH_RATIO = 1.1  # ratio of another person's evidence to the target's at which that person becomes the target
MAX_AGE = 5.0  # seconds without a sighting, after which a person known not to be the target is forgotten
MAX_OTHERS = 7  # people tracked besides the target
# m/s: QuadSim runs at up to nine times the speed of its timestamps, and people walk at 1.6 m/s.
MAX_SPEED = 15.0
MAX_RUN = 0.4  # seconds out of view in which a person may get as far as that


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


@dataclass(frozen=True)
class Candidate:
    """A blob's position in the world and the evidence that it is the target."""

    point: np.ndarray  # (3,) metres
    covariance: np.ndarray  # (3, 3) of the point's error
    strength: float  # positive; of two candidates near one track, the stronger is more likely to be that person
    log_odds: float  # that this person is the target, from this frame alone; negative: more likely another person
    can_start: bool = True  # large enough to start a track; otherwise only to continue one


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


@dataclass(frozen=True)
class Hypothesis:
    """One person who could be the target: a track and the recent evidence."""

    track: Track
    evidence: float  # decaying sum of log-odds
    seen: float  # seconds in which the person was visible
    missed: float  # seconds since then
    last_seen: np.ndarray  # (3,) metres


class Tracker:
    """Decides frame by frame which candidate is the target, and whether the target is found.

    Every person who resembles the target is tracked, and evidence accumulates as in a sequential probability ratio
    test: only a person with enough of it becomes the target. Errors in consecutive views of a person are correlated, so
    old evidence decays, and a closer view can overrule it: then the target was a false positive, and is lost. Such a
    person is remembered for a while so as not to be followed again at once. Another person replaces the target only
    with more evidence. The arguments are settings of the same names, see `AgentSettings`.
    """

    def __init__(self, max_missed_seconds: float, switch_after_seconds: float) -> None:
        self.state = TargetState.SEARCHING
        self._max_missed_seconds = max_missed_seconds
        self._switch_after_seconds = switch_after_seconds
        self._time: float | None = None  # of the last frame
        self._hypotheses: list[Hypothesis] = []  # the target first, where there is one

    @property
    def track(self) -> Track | None:
        """The filter's estimate for the last frame, extrapolated where the target was missed; None without a target."""
        return self._hypotheses[0].track if self.state is TargetState.FOUND else None

    def drop_target(self) -> None:
        """Drop the target, if there is one, and all other tracked people."""
        if self.state is TargetState.FOUND:
            self.state = TargetState.LOST
        self._hypotheses = []

    def step(
        self,
        time: float,
        candidates: Sequence[Candidate],
        negative_evidence: Callable[[np.ndarray], float] = lambda point: 0.0,
    ) -> int | None:
        """Process the candidates of a frame; return the index of the target's, None when it is missed.

        `negative_evidence` returns the log-odds, at most 0, at the predicted position (3,) of a person without a
        candidate.
        """
        seconds = frame_seconds(time, self._time)
        if self._hypotheses and time - self._hypotheses[0].track.time > MAX_GAP:
            if self.state is TargetState.FOUND:
                index = self._resume(time, seconds, candidates)
                self._time = time
                return index
            self._hypotheses = []
        chosen, hypotheses = self._associate(time, seconds, candidates, negative_evidence)
        target = self._choose(seconds, chosen, hypotheses)
        self._keep(target, seconds, hypotheses)
        self._time = time
        return None if target is None else chosen[target]

    def _resume(self, time: float, seconds: float, candidates: Sequence[Candidate]) -> int | None:
        """Keep the target after a gap so long that predictions are meaningless: take the strongest likely candidate."""
        target = self._hypotheses[0]
        likely = [index for index, candidate in enumerate(candidates) if candidate.can_start and candidate.log_odds > 0]
        if not likely:
            missed = replace(target, missed=target.missed + seconds)
            self._keep(None if self._is_lost(missed, seconds) else 0, seconds, [missed])
            return None
        strongest = max(likely, key=lambda index: candidates[index].strength)
        started = _start_hypothesis(time, seconds, candidates[strongest])
        self._keep(0, seconds, [replace(started, evidence=target.evidence)])
        return strongest

    def _associate(
        self,
        time: float,
        seconds: float,
        candidates: Sequence[Candidate],
        negative_evidence: Callable[[np.ndarray], float],
    ) -> tuple[list[int | None], list[Hypothesis]]:
        """Assign each hypothesis its likeliest candidate, the target's first; remaining candidates start new ones."""
        tracks = [predict(hypothesis.track, time) for hypothesis in self._hypotheses]
        chosen: list[int | None] = []
        for track in tracks:
            chosen.append(_likeliest(track, candidates, chosen))
        for row, hypothesis in enumerate(self._hypotheses):
            if chosen[row] is None:
                chosen[row] = _nearest_in_reach(hypothesis, seconds, candidates, chosen)
        hypotheses = []
        for hypothesis, track, index in zip(self._hypotheses, tracks, chosen, strict=True):
            if index is None:
                hypotheses.append(_miss(hypothesis, track, seconds, negative_evidence(track.point)))
            else:
                hypotheses.append(_hit(hypothesis, track, seconds, candidates[index]))
        for index, candidate in enumerate(candidates):
            if index not in chosen and candidate.can_start:
                chosen.append(index)
                hypotheses.append(_start_hypothesis(time, seconds, candidate))
        return chosen, hypotheses

    def _choose(self, seconds: float, chosen: Sequence[int | None], hypotheses: Sequence[Hypothesis]) -> int | None:
        """Return the target's index: the previous one unless it is lost, disproved or outweighed."""
        target, required, seen = None, CONFIRM_LOG_ODDS, 0.0
        if self.state is TargetState.FOUND:
            current = hypotheses[0]
            if current.evidence > 0 and not self._is_lost(current, seconds):
                required, seen = max(CONFIRM_LOG_ODDS, SWITCH_RATIO * current.evidence), self._switch_after_seconds
                target = 0
        for index, hypothesis in enumerate(hypotheses):
            convincing = hypothesis.evidence >= required and _reached(hypothesis.seen, seen, seconds)
            if index != target and chosen[index] is not None and convincing:
                target, required = index, hypothesis.evidence
        return target

    def _is_lost(self, target: Hypothesis, seconds: float) -> bool:
        return target.missed > 0 and _reached(target.missed, self._max_missed_seconds, seconds)

    def _keep(self, target: int | None, seconds: float, hypotheses: Sequence[Hypothesis]) -> None:
        """Keep the target first, then people visible recently; people known not to be the target are kept longer."""
        others = []
        for index, each in enumerate(hypotheses):
            max_missed = self._max_missed_seconds if each.evidence > 0 else MAX_AGE
            if index != target and not (each.missed > 0 and _reached(each.missed, max_missed, seconds)):
                others.append(each)
        others = sorted(others, key=lambda hypothesis: hypothesis.missed)[:MAX_OTHERS]
        if target is None:
            self.drop_target()
            self._hypotheses = others
        else:
            self.state = TargetState.FOUND
            self._hypotheses = [hypotheses[target], *others]


def _reached(duration: float, limit: float, seconds: float) -> bool:
    """Return whether a duration in frames of some `seconds` has reached a limit, rounded to the nearest frame."""
    return duration >= limit - seconds / 2


def _decay(seconds: float, half_life: float) -> float:
    return float(0.5 ** (seconds / half_life))


def _weight(seconds: float) -> float:
    """Return what the evidence of a frame counts: one at QuadSim's frame rate, less when frames are closer in time."""
    return min((1 - _decay(seconds, HALF_LIFE)) / (1 - _decay(FRAME_INTERVAL, HALF_LIFE)), 1.0)


def _start_hypothesis(time: float, seconds: float, candidate: Candidate) -> Hypothesis:
    track = _start_track(time, candidate, np.zeros(3))
    return Hypothesis(track, _weight(seconds) * candidate.log_odds, seconds, 0.0, candidate.point)


def _start_track(time: float, candidate: Candidate, velocity: np.ndarray) -> Track:
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = candidate.covariance
    covariance[3:, 3:] = np.diag(START_SPEED**2)
    return Track(time, np.concatenate([candidate.point, velocity]), covariance)


def _hit(hypothesis: Hypothesis, track: Track, seconds: float, candidate: Candidate) -> Hypothesis:
    """Return the hypothesis after a frame in which its person is the `candidate`; `track` predicts that frame."""
    evidence = _decay(seconds, HALF_LIFE) * hypothesis.evidence + _weight(seconds) * candidate.log_odds
    if math.isfinite(squared_distance(track, candidate)):
        track = update(track, candidate)
    else:
        velocity = (candidate.point - hypothesis.last_seen) / (hypothesis.missed + seconds)
        track = _start_track(track.time, candidate, velocity)
    return Hypothesis(track, evidence, hypothesis.seen + seconds, 0.0, track.point)


def _miss(hypothesis: Hypothesis, track: Track, seconds: float, against: float) -> Hypothesis:
    """Return the hypothesis after a frame without its person, and with evidence `against` it, at most 0."""
    half_life = NEGATIVE_HALF_LIFE if hypothesis.evidence < 0 and not against else HALF_LIFE
    evidence = _decay(seconds, half_life) * hypothesis.evidence + _weight(seconds) * against
    return replace(hypothesis, track=track, evidence=evidence, missed=hypothesis.missed + seconds)


def _likeliest(track: Track, candidates: Sequence[Candidate], taken: Sequence[int | None]) -> int | None:
    """Return the index of the candidate most likely to be the track's person: near the prediction and strong."""
    best, best_score = None, -math.inf
    for index, candidate in enumerate(candidates):
        score = math.log(candidate.strength) - squared_distance(track, candidate) / 2
        if index not in taken and score > best_score:
            best, best_score = index, score
    return best


def _nearest_in_reach(
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
