"""Decide whether the target is found or lost, and which candidate it is."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from follower.timing import frame_seconds, reached
from follower.tracking.association import associate
from follower.tracking.candidates import Absence, Candidate
from follower.tracking.hypotheses import Hypothesis, as_target, examine, hit, miss, reject, start_hypothesis
from follower.tracking.kalman_filter import Track, predict
from follower.tracking.suspects import Loss, choose_suspect
from follower.types import TargetState

MAX_GAP = 2.0  # seconds without a frame after which the velocity is meaningless
CONFIRM_LOG_ODDS = 3.0  # evidence with which a person becomes the target: 20 to 1
SWITCH_RATIO = 1.1  # ratio of another person's evidence to the target's at which that person becomes the target
RECENTLY_CERTAIN = 10.0  # seconds since then, in which a disproved target may be the target all the same
MIN_EVIDENCE = 0.01  # of a target in view: views that count neither for it nor against it leave less after ten seconds
MAX_AGE = 5.0  # seconds without a sighting, after which a suspect or a person known not to be the target is forgotten
MAX_OTHERS = 7  # people tracked besides the target


class Tracker:
    """Decides frame by frame which candidate is the target, and whether the target is found.

    Every person who resembles the target is tracked, and evidence accumulates as in a sequential probability ratio
    test: only a person with enough of it becomes the target. Errors in consecutive views of a person are correlated, so
    old evidence decays, and a closer view can overrule it: then the target was a false positive, and is lost. Such a
    person is remembered for a while so as not to be followed again at once; one that was certain shortly before may be
    the target all the same, in a group or in bad light, and is searched for. Another person replaces the target only
    with more evidence.

    Many views of another person may each speak for the target, but seldom as clearly as nearly all views of the target
    do. So whoever is found first is on probation: a target is established, or rejected, by the mean of some seconds of
    reliable views. This needs a simulator that can be sent elsewhere; QuadSim follows the true target whatever it gets.

    The arguments are settings of the same names, see `AgentSettings`.
    """

    def __init__(self, max_missed_seconds: float, switch_after_seconds: float) -> None:
        self.state = TargetState.SEARCHING
        self.suspect: Track | None = None  # of a person who may be the target, to be looked at; None with one
        self.switched = False  # whether another person became the target in the last frame, in place of one
        self.disproved = False  # whether the target proved to be another person in the last frame
        self._max_missed_seconds = max_missed_seconds
        self._switch_after_seconds = switch_after_seconds
        self._loss: Loss | None = None  # the last one, until an established target is certain again
        self._established = False  # whether a target has been established, since the last one was dropped
        self._time: float | None = None  # of the last frame
        self._hypotheses: list[Hypothesis] = []  # the target first, where there is one

    @property
    def track(self) -> Track | None:
        """The filter's estimate for the last frame, extrapolated where the target was missed; None without a target."""
        return self._hypotheses[0].track if self.state is TargetState.FOUND else None

    @property
    def evidence(self) -> float:
        """Recent evidence for the target, log-odds; 0 without one."""
        return self._hypotheses[0].evidence if self.state is TargetState.FOUND else 0.0

    @property
    def loss(self) -> Loss | None:
        """The loss of the target to search for; None with a target."""
        return None if self.state is TargetState.FOUND else self._loss

    def resumes(self, time: float) -> bool:
        """Return whether a frame of `time` follows a gap so long that the target may be any candidate."""
        return self.state is TargetState.FOUND and time - self._hypotheses[0].track.time > MAX_GAP

    def drop_target(self) -> None:
        """Drop the target, if there is one, and all other tracked people."""
        if self.state is TargetState.FOUND:
            self.state = TargetState.LOST
        self.suspect = self._loss = None
        self._established = False
        self._hypotheses = []

    def lose_target(self) -> None:
        """Consider the target lost at once, out of sight."""
        if self.state is TargetState.FOUND and self._time is not None:
            loss = self._loss_of(self._hypotheses[0])
            self.state, self.suspect, self._hypotheses = TargetState.LOST, None, []
            self._loss = None if loss is None else loss.at(self._time, 0.0)

    def step(
        self,
        time: float,
        candidates: Sequence[Candidate],
        absence: Callable[[np.ndarray], Absence] = lambda point: Absence(),
        can_search: bool = True,
    ) -> int | None:
        """Process the candidates of a frame; return the index of the target's, None when it is missed.

        `absence` returns the evidence at the predicted position (3,) of a person without a candidate. There are
        suspects only if the simulator `can_search`.
        """
        seconds = frame_seconds(time, self._time)
        self.switched = self.disproved = False
        if self.resumes(time):
            index = self._resume(time, seconds, candidates)
            self._advance_to(time, seconds)
            return index
        if self._hypotheses and time - self._hypotheses[0].track.time > MAX_GAP:
            self._hypotheses = []
        chosen, hypotheses = self._associate(time, seconds, candidates, absence)
        if can_search and not self._established:
            hypotheses = [reject(each) if each.implausible else each for each in hypotheses]
        target = self._choose(seconds, chosen, hypotheses)
        self.switched = self.state is TargetState.FOUND and target not in (None, 0)
        self._keep(target, seconds, hypotheses)
        self._advance_to(time, seconds)
        self.suspect = self._choose_suspect(seconds) if can_search else None
        return None if target is None else chosen[target]

    def _advance_to(self, time: float, seconds: float) -> None:
        self._time = time
        if self._loss is not None:
            self._loss = self._loss.at(time, seconds)

    def _resume(self, time: float, seconds: float, candidates: Sequence[Candidate]) -> int | None:
        """Keep the target after a gap so long that predictions are meaningless: the strongest candidate in reach."""
        target = self._hypotheses[0]
        reach = target.reach(target.missed + time - target.track.time)
        likely = [
            index
            for index, candidate in enumerate(candidates)
            if candidate.can_start and candidate.log_odds > 0 and target.distance(candidate) < reach
        ]
        if not likely:
            missed = replace(target, missed=target.missed + seconds)
            self._keep(None if self._is_lost(missed, seconds) else 0, seconds, [missed])
            return None
        strongest = max(likely, key=lambda index: candidates[index].strength)
        started = start_hypothesis(time, seconds, candidates[strongest])
        known = replace(
            started,
            evidence=target.evidence,
            usual_speed=target.usual_speed,
            examined=target.examined,
            resemblance=target.resemblance,
            established=target.established,
            uncertain=target.uncertain + time - target.track.time,
        )
        self._keep(0, seconds, [known])
        return strongest

    def _associate(
        self,
        time: float,
        seconds: float,
        candidates: Sequence[Candidate],
        absence: Callable[[np.ndarray], Absence],
    ) -> tuple[list[int | None], list[Hypothesis]]:
        """Assign each hypothesis its candidate; remaining candidates start new ones."""
        tracks = [predict(hypothesis.track, time) for hypothesis in self._hypotheses]
        has_target = self.state is TargetState.FOUND
        chosen = associate(self._hypotheses, tracks, candidates, seconds, has_target)
        hypotheses: list[Hypothesis] = []
        for hypothesis, track, index in zip(self._hypotheses, tracks, chosen, strict=True):
            if index is None:
                hypotheses.append(miss(hypothesis, track, seconds, absence(track.point)))
            else:
                is_target, candidate = has_target and not hypotheses, candidates[index]
                if is_target or hypothesis.implausible:
                    hypothesis = examine(hypothesis, seconds, candidate)
                candidate = as_target(hypothesis, candidate) if is_target else candidate
                hypotheses.append(hit(hypothesis, track, seconds, candidate))
        for index, candidate in enumerate(candidates):
            if index not in chosen and candidate.can_start:
                chosen.append(index)
                hypotheses.append(start_hypothesis(time, seconds, candidate))
        return chosen, hypotheses

    def _choose(self, seconds: float, chosen: Sequence[int | None], hypotheses: Sequence[Hypothesis]) -> int | None:
        """Return the target's index: the previous one unless it is lost, disproved or outweighed."""
        target, required, seen = None, CONFIRM_LOG_ODDS, 0.0
        if self.state is TargetState.FOUND:
            current = hypotheses[0]
            if not _is_disproved(current) and not self._is_lost(current, seconds):
                required, seen = max(CONFIRM_LOG_ODDS, SWITCH_RATIO * current.evidence), self._switch_after_seconds
                target = 0
        for index, hypothesis in enumerate(hypotheses):
            convincing = hypothesis.evidence >= required and reached(hypothesis.seen, seen, seconds)
            if index != target and chosen[index] is not None and convincing:
                target, required = index, hypothesis.evidence
        return target

    def _choose_suspect(self, seconds: float) -> Track | None:
        """Without a target, choose the person to look at."""
        if self.state is TargetState.FOUND:
            return None
        chosen = choose_suspect(self._hypotheses, self._loss)
        if chosen is None:
            return None
        suspect = self._hypotheses[chosen]
        if suspect.distant or (suspect.approached and suspect.evidence > 0):
            self._hypotheses[chosen] = replace(suspect, approached=suspect.approached + seconds)
        elif self._loss is not None:
            self._hypotheses[chosen] = replace(suspect, looked_at=suspect.looked_at + seconds)
            self._loss = self._loss._replace(looked=self._loss.looked + seconds)
        return suspect.track

    def _loss_of(self, target: Hypothesis) -> Loss | None:
        """Return the loss to search after when a target is lost now.

        It is its own, if it has been certain lately, or went out of sight and may be the one that was lost before.
        Otherwise, that one is still searched for. A person who was disproved before any target was established was
        another one, however certain it seemed.
        """
        if self.disproved:
            may_be = self._established and target.uncertain <= RECENTLY_CERTAIN
        else:
            may_be = target.uncertain <= RECENTLY_CERTAIN or self._loss is None or self._loss.reaches(target.track)
        return Loss(target.track, self._established) if may_be else self._loss

    def _is_lost(self, target: Hypothesis, seconds: float) -> bool:
        return target.missed > 0 and reached(target.missed, self._max_missed_seconds, seconds)

    def _keep(self, target: int | None, seconds: float, hypotheses: Sequence[Hypothesis]) -> None:
        """Keep the target first, then people visible recently; people known not to be the target are kept longer."""
        others = []
        for index, each in enumerate(hypotheses):
            max_missed = MAX_AGE if each.evidence <= 0 or each.approached else self._max_missed_seconds
            if index != target and not (each.missed > 0 and reached(each.missed, max_missed, seconds)):
                others.append(each)
        others = sorted(others, key=lambda hypothesis: hypothesis.missed)[:MAX_OTHERS]
        if target is None:
            if self.state is TargetState.FOUND:
                self.disproved = _is_disproved(hypotheses[0])
                self._loss = self._loss_of(hypotheses[0])
                self.state = TargetState.LOST
            self._hypotheses = others
        else:
            self.state = TargetState.FOUND
            self._hypotheses = [replace(hypotheses[target], approached=0.0, looked_at=0.0), *others]
            self._established |= self._hypotheses[0].established
            if self._established and not self._hypotheses[0].uncertain:
                self._loss = None


def _is_disproved(target: Hypothesis) -> bool:
    return target.evidence <= (0.0 if target.missed else MIN_EVIDENCE)
