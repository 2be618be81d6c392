"""What networks predict for the pseudo-labelled frames of a recording, with the labels that the frames have."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataset.images import decode_image
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import IMAGES
from dataset.recordings.recording import Recording

if TYPE_CHECKING:
    from model.inference.segmenter import Segmenter

BATCH = 16


class PredictedFrame(NamedTuple):
    """A frame, its labels, (height, width) uint8 or None if they are unreadable, and each network's probabilities."""

    record: FrameRecord
    labels: np.ndarray | None
    probabilities: list[np.ndarray]  # (rows, columns, 3) float32


def pseudo_labelled(recording: Recording, otherwise: str) -> list[FrameRecord]:
    """Return the frames that a model has labelled; without any, raise ValueError, which ends with `otherwise`."""
    frames = [record for record in recording.frames if record.label_source == "model"]
    if not frames:
        raise ValueError(f"no frame of {recording.path.name} is labelled by a model: {otherwise}")
    return frames


def predict_frames(
    recording: Recording, frames: Sequence[FrameRecord], segmenters: Sequence["Segmenter"]
) -> Iterator[PredictedFrame]:
    """Yield each frame with what the networks predict. Raises OSError, and DatasetError for images."""
    for start in range(0, len(frames), BATCH):
        batch = frames[start : start + BATCH]
        files = [recording.path / IMAGES / record.image for record in batch]
        images = np.stack([decode_image(file.read_bytes(), file) for file in files])
        predicted = [segmenter.predict(images) for segmenter in segmenters]
        for record, *probabilities in zip(batch, *predicted, strict=True):
            yield PredictedFrame(record, recording.read_labels(record), probabilities)
