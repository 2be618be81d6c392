"""The choice of a distant person to look at from near."""

from collections.abc import Sequence

from follower.tracking.hypotheses import Hypothesis

MIN_LOG_ODDS = 1.5  # evidence from which on a person is looked at from near
MAX_APPROACH = 12.0  # seconds for that, after which the person cannot be reached


def choose_suspect(hypotheses: Sequence[Hypothesis]) -> int | None:
    """Return the index of the person to look at from near, or None: the previous one while anything speaks for it."""
    likely = [index for index, each in enumerate(hypotheses) if _is_suspect(each)]
    return max(likely, key=lambda index: (hypotheses[index].approached, hypotheses[index].evidence), default=None)


def _is_suspect(person: Hypothesis) -> bool:
    if person.approached >= MAX_APPROACH:
        return False
    return person.evidence > 0 if person.approached else person.distant and person.evidence > MIN_LOG_ODDS
