"""Assign the candidates of a frame to the people whom the tracker knows: one each, or none."""

import math
from collections.abc import Iterable, Sequence

from follower.tracking.candidates import Candidate
from follower.tracking.hypotheses import Hypothesis, as_target
from follower.tracking.kalman_filter import Track, squared_distance

RECENT = 0.5  # seconds since the last view for which a track predicts well enough to go before others
MAX_RUN = 0.4  # seconds out of view in which a person may get as far as it can
MIN_CLEAR_STRENGTH = 0.05  # of a clear view: a hand has less, and a half hidden person more


def associate(
    hypotheses: Sequence[Hypothesis],
    tracks: Sequence[Track],
    candidates: Sequence[Candidate],
    seconds: float,
    has_target: bool,
) -> list[int | None]:
    """Return the index of each hypothesis's candidate in a frame that stands for some `seconds`, or None.

    `tracks` predict the frame; the first hypothesis is the target, if there is one. A target that turned abruptly is
    not where its track expects it: it then takes the nearest candidate in reach, before people who have not been seen
    for a while and may be anywhere.
    """
    chosen: list[int | None] = [None] * len(hypotheses)

    def where_expected(rows: Iterable[int]) -> None:
        for row in rows:
            chosen[row] = _likeliest(tracks[row], candidates, chosen)

    rows = range(len(hypotheses))
    target, others = rows[:has_target], rows[has_target:]
    recent = [row for row in others if hypotheses[row].missed <= RECENT]
    where_expected([*target, *recent])
    for row in target:  # it turned abruptly
        if chosen[row] is None:
            views = [as_target(hypotheses[row], candidate) for candidate in candidates]
            chosen[row] = _nearest_in_reach(hypotheses[row], seconds, views, chosen)
    where_expected(row for row in others if row not in recent)  # they may be anywhere
    for row in others:
        if chosen[row] is None:
            chosen[row] = _nearest_in_reach(hypotheses[row], seconds, candidates, chosen)
    return chosen


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
    """Return the index of the nearest clear view as far away as the person can be, whatever the gate says."""
    best, best_distance = None, hypothesis.reach(min(hypothesis.missed + seconds, MAX_RUN))
    for index, candidate in enumerate(candidates):
        distance = hypothesis.distance(candidate)
        clear = candidate.can_start and candidate.log_odds > 0 and candidate.strength >= MIN_CLEAR_STRENGTH
        if index not in taken and clear and distance < best_distance:
            best, best_distance = index, distance
    return best
