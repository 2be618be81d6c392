"""Compare replayed decisions with the recorded ones. Connects to nothing."""

import math
from collections.abc import Sequence

from dataset.recordings.frame_record import FrameRecord
from sim_bridge.replay.client import Answer


def check(
    records: Sequence[FrameRecord], answers: Sequence[Answer], metres: float, *, everything: bool = False
) -> tuple[int, list[str]]:
    """Return how many frames could be compared (or all, if `everything`), and the differences; see `compare`."""
    count = len(records) if everything else comparable_frames(records)
    pairs = list(zip(records, answers, strict=True))[:count]
    found = {record.frame: compare(record, answer, metres) for record, answer in pairs}
    return count, [f"frame {frame}: {difference}" for frame, difference in found.items() if difference]


def comparable_frames(records: Sequence[FrameRecord]) -> int:
    """Return how many frames from the first on have the whole history of their session in the recording.

    A decision depends on the frames before it. After frames that were not recorded (filtered, dropped, or before a
    start in mid-flight), or where an operator paused or dropped the target, a replay cannot reach the same one.
    """
    for index, record in enumerate(records):
        if record.number != index or record.operator_override:
            return index
    return len(records)


def compare(record: FrameRecord, answer: Answer, metres: float) -> str | None:
    """Return how an answer differs from the recorded decision; None if it does not.

    `metres` is the tolerance for coordinates, and for velocities in m/s. Other numbers (marker ids, sizes, angles) must
    agree to a millionth.
    """
    if answer.outcome != "answered":
        return f"{answer.outcome} {answer.reason}".strip()
    expected, actual = [event for event, _ in record.commands], [event for event, _ in answer.commands]
    if expected != actual:
        return f"recorded {', '.join(expected) or 'nothing'}, now {', '.join(actual) or 'nothing'}"
    for (event, before), (_, now) in zip(record.commands, answer.commands, strict=True):
        for key in sorted(before.keys() | now.keys()):
            if not _is_close(event, key, before.get(key), now.get(key), metres):
                return f"{event} {key}: recorded {before.get(key)}, now {now.get(key)}"
    return None


def _is_close(event: str, key: str, before: object, now: object, metres: float) -> bool:
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        if key in ("coords", "velocity") or (event, key) == ("create_box_marker", "pose"):
            angles = _is_close(event, "angles", before[3:], now[3:], metres)
            return math.dist(before[:3], now[:3]) <= metres and angles
        return all(_is_close(event, key, a, b, metres) for a, b in zip(before, now, strict=True))
    if isinstance(before, int | float) and isinstance(now, int | float):
        return math.isclose(before, now, rel_tol=0.0 if key == "time" else 1e-6, abs_tol=1e-6)
    return before == now
