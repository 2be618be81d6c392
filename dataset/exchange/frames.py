"""Labelled frames on their way to the format of another program, or from one."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataset.pairs import Pair, read_labels
from dataset.recordings.frame_record import read_frame_records
from dataset.schema import BACKGROUND, CLASSES

LABELLED = tuple(label for label in range(len(CLASSES)) if label != BACKGROUND)
_FILES = ("frame", "image", "depth")  # keys of frames.jsonl


@dataclass(frozen=True, eq=False)
class ExchangedFrame:
    """One frame."""

    name: str  # of its image file; a folder may be before it
    image: bytes  # JPEG or PNG
    labels: np.ndarray  # (height, width) uint8, the class of each pixel
    attributes: Mapping[str, Any] = field(default_factory=dict)  # of frames.jsonl, without the names of files


def read_frames(source: Path, pairs: Sequence[Pair]) -> Iterator[ExchangedFrame]:
    """Yield the frames of a dataset or recording. Raises DatasetError, MaskError, OSError."""
    lines = {}
    if source.is_dir():
        lines = {record.image: json.loads(record.to_line()) for record in read_frame_records(source)[0]}
    counts = Counter(pair.image.name for pair in pairs)
    for pair in pairs:
        name = pair.image.name
        attributes = {key: value for key, value in lines.get(name, {}).items() if key not in _FILES}
        folder = f"{pair.recording.replace('/', '-')}/" if counts[name] > 1 else ""
        yield ExchangedFrame(folder + name, pair.image.read(), read_labels(pair), attributes)


def regions(labels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield class and mask, (height, width) bool, of each connected region of people and hero: an object each."""
    for label in LABELLED:
        count, numbers = cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=8)
        for number in range(1, count):
            yield label, numbers == number


def write_file(path: Path, data: bytes) -> None:
    """Write a file, and the folders that it lies in. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
