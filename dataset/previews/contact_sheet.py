"""Makes a recording visible at a glance: a contact sheet with overlays. Films: film.py. All lie in <run>/look/."""

from pathlib import Path

import cv2
import numpy as np

from dataset.previews.overlay import PAPER, draw
from dataset.recordings.record import RecordingError
from dataset.recordings.recording import FrameRecord, Run

LOOK = "look"
COLUMNS = 5
GAP = 6  # pixels between pictures


def look_folder(run: Run) -> Path:
    """Where pictures of a run go."""
    folder = run.path / LOOK
    folder.mkdir(exist_ok=True)
    return folder


def contact_sheet(run: Run, count: int = 30) -> np.ndarray:
    """Frames of a run, evenly spread, and those where the hero was found or lost; (height, width, 3) uint8 RGB.

    Raises RecordingError when there is no frame.
    """
    if not run.frames:
        raise RecordingError(f"{run.path} has no frames to show")
    pictures = [draw(run, record) for record in select(run.frames, count)]
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
