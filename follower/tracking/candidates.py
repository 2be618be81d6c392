"""Evidence of one frame about people who could be the target, with their positions."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


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
    reliable: bool = False  # whether that part can establish, or reject, who this is
    distant: bool = False  # the quad can be sent nearer, for evidence that is more reliable


class Absence(NamedTuple):
    """Evidence from the predicted position of a person without a candidate there."""

    log_odds: float = 0.0  # that the person is the target, at most 0
    small: bool = False  # what is there is too small in the picture to be classified reliably
