"""Why a frame's labels may be wrong."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le


@dataclass(frozen=True)
class LabelIssue:
    """Something about the labels of a frame that is rare in correct ones."""

    reason: str  # in words
    probability: Annotated[float, Ge(0), Le(1)]  # that the labels are wrong
