"""Contact sheet of a recording: frames with overlays. It goes to the recording's previews/."""

from pathlib import Path

import cv2
import numpy as np

from dataset.previews.overlay import PAPER, draw
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import PREVIEWS, RecordingError
from dataset.recordings.recording import Recording

COLUMNS = 5
GAP = 6  # pixels between pictures


def previews_folder(recording: Recording) -> Path:
    """Make and return the folder for pictures of a recording."""
    folder = recording.path / PREVIEWS
    folder.mkdir(exist_ok=True)
    return folder


def contact_sheet(recording: Recording, count: int = 30) -> np.ndarray:
    """Return frames of a recording: evenly spread ones, and those where the target was found or lost.

    Returns: (height, width, 3) uint8 RGB. Raises RecordingError when there is no frame.
    """
    if not recording.frames:
        raise RecordingError(f"{recording.path} has no frames to show")
    pictures = [draw(recording, record) for record in select(recording.frames, count)]
    height, width = np.array(pictures[0].shape[:2]) + GAP
    columns = min(COLUMNS, len(pictures))
    sheet = np.full((-(-len(pictures) // columns) * height + GAP, columns * width + GAP, 3), PAPER, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = GAP + index // columns * height, GAP + index % columns * width
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet


def select(frames: tuple[FrameRecord, ...], count: int) -> list[FrameRecord]:
    """At most `count` frames in order: half of the room goes to changes of state, what is left is spread evenly."""
    changes = [index for index, frame in enumerate(frames) if frame.changed][: count // 2]
    spread = np.linspace(0, len(frames) - 1, min(count - len(changes), len(frames))).round().astype(int)
    return [frames[index] for index in sorted({*changes, *spread.tolist()})]


def write_picture(path: Path, rgb: np.ndarray) -> None:
    """Write a PNG. Raises RecordingError."""
    if not cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)):
        raise RecordingError(f"{path} could not be written")
