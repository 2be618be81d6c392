"""Contact sheet of a recording: frames with overlays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dataset.previews.drawing import tiled
from dataset.previews.overlay import overlay
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import PREVIEWS, RecordingError
from dataset.recordings.recording import Recording

COLUMNS = 5
GAP = 6  # pixels between frames


def previews_folder(recording: Recording) -> Path:
    """Make and return the folder for a recording's contact sheet, plots and films."""
    folder = recording.path / PREVIEWS
    folder.mkdir(exist_ok=True)
    return folder


def contact_sheet(recording: Recording, count: int = 30) -> np.ndarray:
    """Draw at most `count` frames: evenly spread ones, and those where the target was found or lost.

    Returns: (height, width, 3) uint8 RGB. Raises RecordingError if there is no frame.
    """
    if not recording.frames:
        raise RecordingError(f"{recording.path} has no frames to show")
    return tiled([overlay(recording, record) for record in select(recording.frames, count)], COLUMNS, GAP)


def select(frames: Sequence[FrameRecord], count: int) -> list[FrameRecord]:
    """Select at most `count` frames in order: up to half are changes of state, the rest is spread evenly."""
    changes = [index for index, frame in enumerate(frames) if frame.changed][: count // 2]
    spread = np.linspace(0, len(frames) - 1, min(count - len(changes), len(frames))).round().astype(int)
    return [frames[index] for index in sorted({*changes, *spread.tolist()})]
