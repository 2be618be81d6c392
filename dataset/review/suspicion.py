"""Order the frames of a recording by how much a correction of their labels is worth, with the reasons in words.

Only pseudo-labels are suspected. Some doubts come from what the follower recorded, some from the masks, and some from
networks that `python -m model.suspicious` has asked (`dataset.review.opinions`).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dataset.recordings.frame_record import FrameRecord, frame_time
from dataset.recordings.recording import Recording
from dataset.review.flight_doubts import flight_doubts
from dataset.review.mask_doubts import mask_doubts
from dataset.review.opinions import Doubt, read_opinions

NEAR_SECONDS = 1.0  # between two frames that show nearly the same
SECOND_LOOK = 0.7  # what a frame is still worth after one that shows nearly the same


@dataclass(frozen=True)
class Suspicion:
    """A frame whose labels may be wrong."""

    frame: str
    worth: float  # of a correction, 0 to 1
    reasons: tuple[str, ...]  # in words, the strongest first


def suspicions(recording: Recording) -> list[Suspicion]:
    """Return the frames that are worth a look, the best first. Hidden frames, and those labelled by people, are not.

    Reads the masks: about a second for a thousand frames. Raises OSError.
    """
    asked = [
        record for record in recording.frames if record.label_source == "model" and record.frame not in recording.hidden
    ]
    of_flight, opinions = flight_doubts(recording), read_opinions(recording.path, asked)
    found = [
        (record, [*of_flight.get(record.frame, ()), *mask_doubts(recording, record), *opinions.get(record.frame, ())])
        for record in asked
    ]
    return _in_order([(record, doubts) for record, doubts in found if doubts])


def _in_order(found: Sequence[tuple[FrameRecord, Sequence[Doubt]]]) -> list[Suspicion]:
    """Return frames by worth: the chance that a doubt is right, less after a frame of the same moment.

    One error often lasts for several frames. Correcting all of them teaches a network little more than the first.
    """
    left = {index: _worth(doubts) for index, (_, doubts) in enumerate(found)}
    ordered = []
    while left:
        best = max(left, key=left.__getitem__)
        record, doubts = found[best]
        reasons = sorted(doubts, key=lambda doubt: -doubt.chance)
        ordered.append(Suspicion(record.frame, round(left.pop(best), 4), tuple(doubt.reason for doubt in reasons)))
        for step in (-1, 1):
            near = best + step
            while 0 <= near < len(found) and _same_moment(record, found[near][0]):
                if near in left:
                    left[near] *= SECOND_LOOK
                near += step
    return ordered


def _worth(doubts: Iterable[Doubt]) -> float:
    return 1 - math.prod(1 - doubt.chance for doubt in doubts)


def _same_moment(one: FrameRecord, other: FrameRecord) -> bool:
    return abs(frame_time(one) - frame_time(other)) <= NEAR_SECONDS
