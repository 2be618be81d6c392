"""Issues about labels that come from what the follower recorded: where the target was, for how long, how certainly."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from dataset.recordings.frame_record import FrameRecord, frame_time
from dataset.recordings.recording import Recording
from dataset.review.label_issue import LabelIssue
from dataset.schema import is_visible

WINDOW = 1.2  # seconds before and after a frame in which the target is looked for
MAX_FRAMES = 40  # that are looked at within it
UNSURE = 0.8  # confidence of a detection below which it is doubtful
RUN = 6.0  # metres per second, faster than which no target moves
RANGE_ERROR = 0.15  # of the distance, by which a position may be wrong
MAX_JUMP_SECONDS = 1.0  # between two frames whose positions are compared
SHORT, TALL = 0.5, 1.6  # of the target's height
TARGET_HEIGHT = 1.6  # metres, if the recording does not say
VERTICAL_FOV = 60.0  # degrees, if the recording does not say
EDGE = 2  # pixels from the image's edge within which a person may be cut off


def flight_issues(recording: Recording) -> dict[str, list[LabelIssue]]:
    """Return the issues by frame."""
    issues = defaultdict[str, list[LabelIssue]](list)
    frames = [record for record in recording.frames if record.frame not in recording.hidden]
    for record, issue in (
        *_vanished(frames),
        *_jumps(frames),
        *_contradictions(frames),
        *_sizes(frames, recording),
    ):
        issues[record.frame].append(issue)
    return issues


def _vanished(frames: Sequence[FrameRecord]) -> Iterator[tuple[FrameRecord, LabelIssue]]:
    """Yield frames without a target between frames with one, and the other way round."""
    for index, record in enumerate(frames):
        before = _gap(record, frames[max(index - MAX_FRAMES, 0) : index][::-1])
        after = _gap(record, frames[index + 1 : index + 1 + MAX_FRAMES])
        if before is None or after is None:
            continue
        if is_visible(record.hero_pixels) and math.isinf(before) and math.isinf(after):
            yield record, LabelIssue("a target for a moment, and none before and after", 0.7)
        if not is_visible(record.hero_pixels) and before + after < math.inf:
            yield record, LabelIssue(f"no target, but it is there before and after, {before + after:.1f} s apart", 0.1)


def _gap(record: FrameRecord, others: Sequence[FrameRecord]) -> float | None:
    """Return the seconds to the nearest of the frames that shows the target; infinite without any within WINDOW.

    None if no frame was recorded within WINDOW.
    """
    gaps = [abs(frame_time(other) - frame_time(record)) for other in others]
    if not gaps or gaps[0] > WINDOW:
        return None
    visible = (gap for gap, other in zip(gaps, others, strict=True) if is_visible(other.hero_pixels) and gap <= WINDOW)
    return next(visible, math.inf)


def _jumps(frames: Sequence[FrameRecord]) -> Iterator[tuple[FrameRecord, LabelIssue]]:
    """Yield both frames between which the target moves farther than anyone can run."""
    located = [record for record in frames if record.world_point is not None]
    for one, other in pairwise(located):
        seconds = frame_time(other) - frame_time(one)
        if one.world_point is None or other.world_point is None or not 0 < seconds <= MAX_JUMP_SECONDS:
            continue
        distance = math.dist(one.world_point[:2], other.world_point[:2])
        away = max(record.range.metres if record.range else 0 for record in (one, other))
        if distance > RUN * seconds + RANGE_ERROR * away + 1:
            for record in (one, other):
                yield record, LabelIssue(f"the target jumps {distance:.0f} m in {seconds:.1f} s", 0.35)


def _contradictions(frames: Sequence[FrameRecord]) -> Iterator[tuple[FrameRecord, LabelIssue]]:
    """Yield frames in which the follower did not believe, or hardly believed, in the target that is labelled."""
    for record in frames:
        if record.state is None or record.operator_override:
            continue
        if is_visible(record.hero_pixels) and record.detection is None:
            yield record, LabelIssue("a target is labelled that the follower did not take for one", 0.7)
        confidence = record.detection.confidence if record.detection else None
        if confidence is not None and confidence < UNSURE:
            yield (
                record,
                LabelIssue(f"the network was unsure of the target: {confidence:.0%}", 0.1 + (UNSURE - confidence)),
            )


def _sizes(frames: Sequence[FrameRecord], recording: Recording) -> Iterator[tuple[FrameRecord, LabelIssue]]:
    """Yield frames whose target is not as tall, at its distance by depth, as the follower was told that it is."""
    rows, columns = recording.frame_size
    tall = recording.agent_setting("target_height", 0.2, 10) or TARGET_HEIGHT
    focal = rows / 2 / math.tan(math.radians(recording.agent_setting("vertical_fov", 1, 170) or VERTICAL_FOV) / 2)
    for record in frames:
        if record.detection is None or record.range is None or record.range.source != "depth":
            continue
        top, left, bottom, right = record.detection.box
        if top < EDGE or left < EDGE or bottom > rows - EDGE or right > columns - EDGE:
            continue
        height = (bottom - top) * record.range.metres / focal / (tall * _upright(record, tall))
        rounding = 2 * record.range.metres / focal / tall  # of two pixels
        if height + rounding < SHORT or height > TALL:
            metres = record.range.metres
            yield (
                record,
                LabelIssue(f"the target would be {height * tall:.1f} m tall at its depth of {metres:.0f} m", 0.05),
            )


def _upright(record: FrameRecord, tall: float) -> float:
    """Return how tall an upright target looks from above, of its height in metres."""
    if record.pose is None or record.range is None:
        return 1.0
    sine = min(max((record.pose[2] - tall / 2) / max(record.range.metres, 0.1), 0.0), 1.0)
    return max(math.sqrt(1 - sine * sine), 0.3)
