"""From a frame and its decision to what is written about them. Touches no disk."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dataset.masks import encode_labels, labels_of_mask, labels_of_probabilities
from dataset.recordings.frame_record import FrameRecord
from dataset.schema import HERO, PEOPLE
from follower.types import Decision, Pose
from sim_bridge.processed_frame import ProcessedFrame
from sim_bridge.wire.messages import command_to_event

_POSE_DECIMALS = 9  # the wire has 4; degrees to radians and back is exact to 13


@dataclass(frozen=True)
class Entry:
    """One frame, ready to be written."""

    record: FrameRecord
    image: bytes
    mask: bytes
    depth: bytes


def make_entry(number: int, received: float, processed: ProcessedFrame, note: str = "") -> tuple[Entry, np.ndarray]:
    """The frame's entry, and its classes, (height, width) uint8.

    The simulator's own mask is kept as it came; without one (or with one that is no mask of this frame) the likeliest
    classes by the network take its place, at the frame's size.
    """
    frame, size = processed.frame, processed.frame.image.shape[:2]
    mask, labels, source = frame.ground_truth_mask, None, "simulator"
    if mask is not None:
        labels = labels_of_mask(mask, size)
    if labels is None:
        labels, source = labels_of_probabilities(processed.probabilities, size), "model"
        mask = encode_labels(labels)
    stem = f"{number:06d}"
    counts = np.bincount(labels.ravel(), minlength=3)
    record = FrameRecord(
        frame=stem,
        image=f"{stem}.jpeg",
        label_source=source,
        hero_pixels=int(counts[HERO]),
        people_pixels=int(counts[PEOPLE]),
        number=number,
        timestamp=frame.timestamp,
        received=round(received, 3),
        pose=_degrees(frame.pose),
        gimbal_pose=_degrees(frame.gimbal_pose),
        ground_truth_target=frame.ground_truth_target,
        note=note,
        operator_override=processed.operator_override,
        timings={stage: round(milliseconds, 3) for stage, milliseconds in processed.timings.items()},
        **_decided(processed.decision),
    )
    return Entry(record, frame.jpeg, mask, frame.png), labels


def _decided(decision: Decision) -> Mapping[str, object]:
    detection, away = decision.detection, decision.range
    return {
        "state": decision.state.value,
        "changed": decision.changed,
        "detection": detection
        and {
            "centroid": _floats(detection.centroid),
            "box": _floats(detection.box),
            "area": float(detection.area),
            "confidence": float(detection.confidence),
        },
        "range": away and {"metres": float(away.metres), "source": away.source.value},
        "world_point": decision.world_point and _floats(decision.world_point),
        "track_point": decision.track_point and _floats(decision.track_point),
        "commands": tuple(command_to_event(command) for command in decision.commands),
    }


def _floats(values: tuple) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _degrees(pose: Pose) -> tuple[float, ...]:
    angles = (math.degrees(angle) for angle in (pose.roll, pose.pitch, pose.yaw))
    return tuple(round(number, _POSE_DECIMALS) for number in (pose.x, pose.y, pose.z, *angles))
