"""Rank the frames of a recording by how much the correction of their labels is worth, with the reasons in words.

Only pseudo-labels are suspected. Some issues come from what the follower recorded, some from the masks, and some from
networks that `python -m model.suspicious` has asked (`dataset.review.network_findings`).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dataset.recordings.frame_record import FrameRecord, frame_time
from dataset.recordings.recording import Recording
from dataset.review.flight_issues import flight_issues
from dataset.review.label_issue import LabelIssue
from dataset.review.mask_issues import mask_issues
from dataset.review.network_findings import read_network_findings

NEAR_SECONDS = 1.0  # between two frames that show nearly the same
SECOND_LOOK = 0.7  # what a frame is still worth after one that shows nearly the same


@dataclass(frozen=True)
class SuspectFrame:
    """A frame whose labels may be wrong."""

    frame: str
    priority: float  # of a correction, 0 to 1
    reasons: tuple[str, ...]  # in words, the strongest first


def suspect_frames(recording: Recording) -> list[SuspectFrame]:
    """Return the frames that are worth a look, the best first. Hidden frames, and those labelled by people, are not.

    Reads the masks: about a second for a thousand frames. Raises OSError.
    """
    asked = [
        record for record in recording.frames if record.label_source == "model" and record.frame not in recording.hidden
    ]
    of_flight, findings = flight_issues(recording), read_network_findings(recording.path, asked)
    found = [
        (record, [*of_flight.get(record.frame, ()), *mask_issues(recording, record), *findings.get(record.frame, ())])
        for record in asked
    ]
    return _ranked([(record, issues) for record, issues in found if issues])


def _ranked(found: Sequence[tuple[FrameRecord, Sequence[LabelIssue]]]) -> list[SuspectFrame]:
    """Return frames by priority: the probability that an issue is real, less after a frame of the same moment.

    One error often lasts for several frames. Correcting all of them teaches a network little more than the first.
    """
    left = {index: _priority(issues) for index, (_, issues) in enumerate(found)}
    ordered = []
    while left:
        best = max(left, key=left.__getitem__)
        record, issues = found[best]
        reasons = sorted(issues, key=lambda issue: -issue.probability)
        ordered.append(SuspectFrame(record.frame, round(left.pop(best), 4), tuple(issue.reason for issue in reasons)))
        for step in (-1, 1):
            near = best + step
            while 0 <= near < len(found) and _same_moment(record, found[near][0]):
                if near in left:
                    left[near] *= SECOND_LOOK
                near += step
    return ordered


def _priority(issues: Iterable[LabelIssue]) -> float:
    return 1 - math.prod(1 - issue.probability for issue in issues)


def _same_moment(one: FrameRecord, other: FrameRecord) -> bool:
    return abs(frame_time(one) - frame_time(other)) <= NEAR_SECONDS
