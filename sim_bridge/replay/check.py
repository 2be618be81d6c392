"""Compares what the bridge decided with what it had decided when the recording was made. Talks to nobody."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataset.recordings.frame_record import FrameRecord
from sim_bridge.replay.client import Answer

Commands = Sequence[tuple[str, Mapping[str, object]]]


@dataclass(frozen=True)
class Difference:
    """One frame that was decided otherwise."""

    frame: str
    what: str

    def __str__(self) -> str:
        return f"frame {self.frame}: {self.what}"


def unbroken(records: Sequence[FrameRecord]) -> int:
    """How many frames from the first on are the whole history of their session.

    A decision depends on the frames before it. Where some were not recorded (filters, a slow disk, a start in
    mid-flight), or where a person paused or had the target given up, a replay has no way to come to the same one.
    """
    for index, record in enumerate(records):
        if record.number != index or record.operator_override:
            return index
    return len(records)


def compare(record: FrameRecord, answer: Answer, metres: float) -> Difference | None:
    """How an answer differs from the recorded decision; None where it does not.

    Args:
        metres: that a coordinate may be off. Other numbers (marker ids, sizes, angles) must agree to a millionth.
    """
    if answer.outcome != "answered":
        return Difference(record.frame, f"{answer.outcome} {answer.reason}".strip())
    expected, actual = [event for event, _ in record.commands], [event for event, _ in answer.commands]
    if expected != actual:
        return Difference(record.frame, f"recorded {_listed(expected)}, now {_listed(actual)}")
    for (event, before), (_, now) in zip(record.commands, answer.commands, strict=True):
        for key in sorted(before.keys() | now.keys()):
            if not _close(event, key, before.get(key), now.get(key), metres):
                return Difference(record.frame, f"{event} {key}: recorded {before.get(key)}, now {now.get(key)}")
    return None


def _close(event: str, key: str, before: object, now: object, metres: float) -> bool:
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        if key == "coords" or (event, key) == ("create_box_marker", "pose"):
            return math.dist(before[:3], now[:3]) <= metres and _close(event, "angles", before[3:], now[3:], metres)
        return all(_close(event, key, a, b, metres) for a, b in zip(before, now, strict=True))
    if isinstance(before, int | float) and isinstance(now, int | float):
        return math.isclose(before, now, rel_tol=1e-6, abs_tol=1e-6)
    return before == now


def _listed(events: Sequence[str]) -> str:
    return ", ".join(events) or "nothing"
