"""Doubts about labels that come from what the follower recorded: where the target was, for how long, how certainly."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from dataset.recordings.frame_record import FrameRecord, frame_time
from dataset.recordings.layout import section_of
from dataset.recordings.recording import Recording
from dataset.review.opinions import Doubt
from dataset.schema import is_visible

WINDOW = 1.2  # seconds before and after a frame in which the target is looked for
MAX_FRAMES = 40  # that are looked at within it
UNSURE = 0.8  # confidence of a detection below which it is doubtful
RUN = 6.0  # metres per second, faster than which no target moves
RANGE_ERROR = 0.15  # of the distance, by which a position may be wrong
MAX_JUMP_SECONDS = 1.0  # between two frames whose positions are compared
SHORT, TALL = 0.5, 1.6  # heights to a person's
PERSON = 1.6  # metres
EDGE = 2  # pixels from the image's edge within which a person may be cut off


def flight_doubts(recording: Recording) -> dict[str, list[Doubt]]:
    """Return the doubts by frame."""
    doubts = defaultdict[str, list[Doubt]](list)
    frames = [record for record in recording.frames if record.frame not in recording.hidden]
    for record, doubt in (
        *_vanished(frames),
        *_jumps(frames),
        *_contradictions(frames),
        *_sizes(frames, recording),
    ):
        doubts[record.frame].append(doubt)
    return doubts


def _vanished(frames: Sequence[FrameRecord]) -> Iterator[tuple[FrameRecord, Doubt]]:
    """Yield frames without a target between frames with one, and the other way round."""
    for index, record in enumerate(frames):
        before = _gap(record, frames[max(index - MAX_FRAMES, 0) : index][::-1])
        after = _gap(record, frames[index + 1 : index + 1 + MAX_FRAMES])
        if before is None or after is None:
            continue
        if is_visible(record.hero_pixels) and math.isinf(before) and math.isinf(after):
            yield record, Doubt("a target for a moment, and none before and after", 0.7)
        if not is_visible(record.hero_pixels) and before + after < math.inf:
            yield record, Doubt(f"no target, but it is there before and after, {before + after:.1f} s apart", 0.1)


def _gap(record: FrameRecord, others: Sequence[FrameRecord]) -> float | None:
    """Return the seconds to the nearest of the frames that shows the target; infinite without any within WINDOW.

    None if no frame was recorded within WINDOW.
    """
    gaps = [abs(frame_time(other) - frame_time(record)) for other in others]
    if not gaps or gaps[0] > WINDOW:
        return None
    visible = (gap for gap, other in zip(gaps, others, strict=True) if is_visible(other.hero_pixels) and gap <= WINDOW)
    return next(visible, math.inf)


def _jumps(frames: Sequence[FrameRecord]) -> Iterator[tuple[FrameRecord, Doubt]]:
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
                yield record, Doubt(f"the target jumps {distance:.0f} m in {seconds:.1f} s", 0.35)


def _contradictions(frames: Sequence[FrameRecord]) -> Iterator[tuple[FrameRecord, Doubt]]:
    """Yield frames in which the follower did not believe, or hardly believed, in the target that is labelled."""
    for record in frames:
        if record.state is None or record.operator_override:
            continue
        if is_visible(record.hero_pixels) and record.detection is None:
            yield record, Doubt("a target is labelled that the follower did not take for one", 0.7)
        confidence = record.detection.confidence if record.detection else None
        if confidence is not None and confidence < UNSURE:
            yield record, Doubt(f"the network was unsure of the target: {confidence:.0%}", 0.1 + (UNSURE - confidence))


def _sizes(frames: Sequence[FrameRecord], recording: Recording) -> Iterator[tuple[FrameRecord, Doubt]]:
    """Yield frames whose target has not the height of a person at its distance by depth."""
    rows, columns = recording.frame_size
    angle = section_of(section_of(recording.meta, "settings"), "agent").get("vertical_fov")
    focal = rows / 2 / math.tan(math.radians(angle if isinstance(angle, int | float) and 0 < angle < 180 else 60) / 2)
    for record in frames:
        if record.detection is None or record.range is None or record.range.source != "depth":
            continue
        top, left, bottom, right = record.detection.box
        if top < EDGE or left < EDGE or bottom > rows - EDGE or right > columns - EDGE:
            continue
        height = (bottom - top) * record.range.metres / focal / (PERSON * _upright(record))
        rounding = 2 * record.range.metres / focal / PERSON  # of two pixels
        if height + rounding < SHORT or height > TALL:
            metres = record.range.metres
            yield (
                record,
                Doubt(f"the target would be {height * PERSON:.1f} m tall at its depth of {metres:.0f} m", 0.05),
            )


def _upright(record: FrameRecord) -> float:
    """Return how tall an upright person looks from above, of how tall it is."""
    if record.pose is None or record.range is None:
        return 1.0
    sine = min(max((record.pose[2] - PERSON / 2) / max(record.range.metres, 0.1), 0.0), 1.0)
    return max(math.sqrt(1 - sine * sine), 0.3)
