"""Encode a processed frame as the record and the files that a recording stores. Touches no disk."""

from dataclasses import dataclass

import numpy as np

from dataset.masks.labels import class_areas, decode_labels, encode_labels, labels_of_probabilities
from dataset.recordings.frame_record import FrameRecord, RecordedDetection, RecordedPose, RecordedRange
from dataset.schema import HERO, PEOPLE, LabelSource
from follower.types import Pose
from sim_bridge.events import ProcessedFrame
from sim_bridge.session import Session
from sim_bridge.wire.messages import command_to_event, pose_to_wire

_POSE_DECIMALS = 9  # the wire has 4; degrees to radians and back is exact to 13


@dataclass(frozen=True)
class QueuedFrame:
    """A processed frame on its way to the disk."""

    simulator: Session
    number: int  # of the decision within the simulator's session, from 0
    received: float  # unix seconds
    processed: ProcessedFrame
    note: str  # by the operator who marked this frame; "" if it is not marked


@dataclass(frozen=True)
class EncodedFrame:
    """One frame, ready to be written."""

    record: FrameRecord
    image: bytes  # JPEG as received
    mask: bytes  # PNG
    depth: bytes  # PNG as received


def encode_frame(queued: QueuedFrame) -> tuple[EncodedFrame, np.ndarray]:
    """Return the encoded frame and its labels, (height, width) uint8.

    The simulator's own mask is kept as received. Without one, or with one that does not fit the frame, the mask is the
    network's likeliest classes, at the frame's size.
    """
    processed = queued.processed
    frame, decision, size = processed.frame, processed.decision, processed.frame.image.shape[:2]
    source: LabelSource = "simulator"
    mask = frame.ground_truth_mask
    labels = decode_labels(mask, size) if mask is not None else None
    if mask is None or labels is None:
        source, labels = "model", labels_of_probabilities(processed.probabilities, size)
        mask = encode_labels(labels)
    stem = f"{queued.number:06d}"
    counts = class_areas(labels)
    detection, target_range = decision.detection, decision.range
    record = FrameRecord(
        frame=stem,
        image=f"{stem}.jpeg",
        label_source=source,
        hero_pixels=int(counts[HERO]),
        people_pixels=int(counts[PEOPLE]),
        number=queued.number,
        timestamp=frame.timestamp,
        received=round(queued.received, 3),
        pose=_in_degrees(frame.pose),
        gimbal_pose=_in_degrees(frame.gimbal_pose),
        state=decision.state.value,
        changed=decision.changed,
        detection=RecordedDetection(detection.box, detection.centroid, detection.area, detection.confidence)
        if detection
        else None,
        range=RecordedRange(target_range.metres, target_range.source.value) if target_range else None,
        world_point=decision.world_point,
        track_point=decision.track_point,
        ground_truth_target=frame.ground_truth_target,
        commands=tuple(command_to_event(command) for command in decision.commands),
        timings={stage: round(milliseconds, 3) for stage, milliseconds in processed.timings.items()},
        note=queued.note,
        operator_override=processed.operator_override,
    )
    return EncodedFrame(record, frame.jpeg, mask, frame.png), labels


def _in_degrees(pose: Pose) -> RecordedPose:
    x, y, z, roll, pitch, yaw = (round(number, _POSE_DECIMALS) for number in pose_to_wire(pose))
    return x, y, z, roll, pitch, yaw
