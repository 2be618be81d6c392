"""Propagate the labels of a frame: who is the target there is the target in the next frames.

Blobs keep their shapes; only their classes are propagated, from frame to frame, where position and distance leave one
answer. It ends at the first frame where they do not, and says why. Propagated labels are no ground truth. They serve
for training, and neither weigh more there nor are measured on, until a person accepts them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dashboard.recordings.world_positions import FrameCamera, FrameCameras, blobs
from dataset.masks.labels import decode_labels
from dataset.recordings.frame_record import FrameRecord, frame_time
from dataset.recordings.layout import OLD_MASKS
from dataset.recordings.recording import Recording
from dataset.review.relabelling import NewLabels, read_log
from dataset.schema import BACKGROUND, GROUND_TRUTH, HERO, PEOPLE
from follower.ranging import Measurement

WALK = 3.0  # metres per second that a person may move between two frames, besides the errors of both positions
AGREES = 3.0  # standard deviations within which a position is that of somebody known
CLEARLY = 2.0  # times as far as the nearest one is somebody else, or nobody can say who it is
TOUCHING = 3  # pixels between parts of one person
MAX_PAUSE = 1.0  # seconds between two frames; after a longer pause positions say little


class PropagationEnd(Exception):
    """Why labels cannot be propagated to a frame."""


@dataclass(frozen=True)
class PropagatedLabels:
    """Labels for the frames after one, and why they end there."""

    labels: tuple[NewLabels, ...]
    ended: str


@dataclass(frozen=True)
class KnownPerson:
    """A person, or a blob that is background, whose class is known: where it was last seen."""

    label: int
    place: Measurement
    seen: float  # seconds


def propagate_labels(recording: Recording, start: FrameRecord, most: int, by: str) -> PropagatedLabels:
    """Return labels for up to `most` frames after `start`, made from its own. It ends before frames of ground truth.

    Raises ValueError if the labels of `start` are no ground truth, and OSError.
    """
    if start.label_source not in GROUND_TRUTH:
        raise ValueError(f"nobody has looked at the labels of frame {start.frame}: accept or correct them first")
    cameras = FrameCameras(recording)
    camera, labels = cameras.of(start), recording.read_labels(start)
    if camera is None or labels is None:
        return PropagatedLabels((), f"frame {start.frame} has no pose, or its mask cannot be read")
    known = [*_labelled_people(camera, labels), *_removed_people(recording, start, camera, labels)]
    propagated: list[NewLabels] = []
    before = start
    for record in recording.frames[recording.names.index(start.frame) + 1 :]:
        if len(propagated) == most:
            return PropagatedLabels(tuple(propagated), f"these are the {most} frames that were asked for")
        try:
            _check_next(before, record)
            camera, labels = cameras.of(record), recording.read_labels(record)
            if camera is None or labels is None:
                raise PropagationEnd("it has no pose, or its mask cannot be read")
            labels, known = _propagate(camera, labels, known)
        except PropagationEnd as why:
            return PropagatedLabels(tuple(propagated), f"frame {record.frame}: {why}")
        propagated.append(NewLabels(record.frame, labels, "propagated", f"{by}, from frame {start.frame}"))
        before = record
    return PropagatedLabels(tuple(propagated), "this was the last frame")


def _check_next(before: FrameRecord, record: FrameRecord) -> None:
    if record.label_source in GROUND_TRUTH:
        raise PropagationEnd("its labels are ground truth already")
    if not 0 < frame_time(record) - frame_time(before) <= MAX_PAUSE:
        raise PropagationEnd("it was taken too long after the one before")


def _propagate(
    camera: FrameCamera, labels: np.ndarray, known: Sequence[KnownPerson]
) -> tuple[np.ndarray, list[KnownPerson]]:
    """Return the labels of the next frame with the classes of what is known, and what is known after it."""
    new, target = labels.copy(), np.zeros(labels.shape, bool)
    now, left = list[KnownPerson](), list(known)
    for label in (HERO, PEOPLE):
        for blob in blobs(labels, label):
            place = camera.locate(blob)
            match = _match(place, camera, known) if place else None
            if match is None and label == HERO:
                raise PropagationEnd("what is labelled as the target there was not seen before")
            found = match.label if match else label
            new[blob] = found
            if found == HERO:
                if target.any() and not _touch(target, blob):
                    raise PropagationEnd("two people are where the target should be")
                target |= blob
            if place:
                now.append(KnownPerson(found, place, camera.seconds))
            left = [each for each in left if each is not match]
    if any(each.label == HERO for each in known) and not target.any():
        raise PropagationEnd("nobody is where the target should be")
    return new, now + [each for each in left if each.label != HERO and camera.seconds - each.seen < MAX_PAUSE]


def _match(place: Measurement, camera: FrameCamera, known: Sequence[KnownPerson]) -> KnownPerson | None:
    """Return the known person at a place; None without one. Raises PropagationEnd if it could be either of two."""
    distances = sorted(((_distance(each, place, camera.seconds), each) for each in known), key=lambda pair: pair[0])
    if not distances or distances[0][0] > AGREES:
        return None
    nearest, match = distances[0]
    if any(each.label != match.label and distance < CLEARLY * nearest for distance, each in distances):
        raise PropagationEnd("it could be the target or somebody else")
    return match


def _distance(known: KnownPerson, place: Measurement, now: float) -> float:
    """Return how far apart two positions are, in standard deviations of their errors and of a person's walk."""
    apart = known.place.point - place.point
    covariance = known.place.covariance + place.covariance + np.eye(3) * (WALK * (now - known.seen)) ** 2
    return float(np.sqrt(apart @ np.linalg.solve(covariance, apart)))


def _touch(one: np.ndarray, other: np.ndarray) -> bool:
    grown = cv2.dilate(one.astype(np.uint8), np.ones((2 * TOUCHING + 1,) * 2, np.uint8))
    return bool((grown.astype(bool) & other).any())


def _labelled_people(camera: FrameCamera, labels: np.ndarray) -> Iterator[KnownPerson]:
    """Yield everybody who is labelled in a frame."""
    for label in (HERO, PEOPLE):
        for blob in blobs(labels, label):
            if place := camera.locate(blob):
                yield KnownPerson(label, place, camera.seconds)


def _removed_people(
    recording: Recording, record: FrameRecord, camera: FrameCamera, labels: np.ndarray
) -> Iterator[KnownPerson]:
    """Yield what was labelled as the target before the last change of a frame, and is background now."""
    last = [old for old in read_log(recording.path) if old.frame == record.frame][-1:]
    for old in last:
        before = decode_labels((recording.path / OLD_MASKS / old.file).read_bytes(), recording.frame_size)
        for blob in blobs(before, HERO) if before is not None else ():
            if not labels[blob].any() and (place := camera.locate(blob)):
                yield KnownPerson(BACKGROUND, place, camera.seconds)
