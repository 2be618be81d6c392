"""IDF1 (Ristani et al., 2016) of one person: the target is the only true track, the reports the only predicted one."""

from dataclasses import dataclass

from gym_follow.log import MASK_FAR, Log
from gym_follow.metrics.following import ON_TARGET


@dataclass(frozen=True)
class IdentityCounts:
    """Frames by what was reported for them, without correct reports beyond MASK_FAR, where nothing is in view."""

    true_positives: int  # the target is in view, and the report at most ON_TARGET away from it
    false_positives: int  # any other report
    false_negatives: int  # the target is in view, without such a report

    @property
    def weight(self) -> int:
        """Denominator of IDF1: frames with the target, plus frames with a report."""
        return 2 * self.true_positives + self.false_positives + self.false_negatives

    @property
    def idf1(self) -> float:
        """Harmonic mean of identity precision and recall, 0..1; NaN without a frame that counts."""
        return 2 * self.true_positives / self.weight if self.weight else float("nan")


def identity_counts(log: Log) -> IdentityCounts:
    """Count the frames of a flight."""
    correct = [moment for moment in log if moment.position_error < ON_TARGET]
    right = sum(moment.target_visible for moment in correct)
    beyond = sum(not moment.target_visible and moment.distance >= MASK_FAR for moment in correct)
    reported = sum(moment.reported is not None for moment in log)
    visible = sum(moment.target_visible for moment in log)
    return IdentityCounts(right, reported - right - beyond, visible - right)
