"""Makes a recording visible: a contact sheet and a video, with overlays. What it makes lies in <run>/look/."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from sim_bridge.recording.files import RecordingError
from sim_bridge.recording.overlay import PAPER, draw
from sim_bridge.recording.runs import FrameRecord, Run

LOOK = "look"
COLUMNS = 5
GAP = 6  # pixels between pictures
MOST_FPS, LEAST_FPS = 60.0, 1.0


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


def frames_per_second(frames: tuple[FrameRecord, ...]) -> float:
    """The pace at which frames came, by the simulator's clock; 5 where it is not known."""
    times = [frame.timestamp for frame in frames if frame.timestamp is not None]
    steps = np.diff(times)
    steps = steps[steps > 0]
    return float(np.clip(1 / np.median(steps), LEAST_FPS, MOST_FPS)) if len(steps) else 5.0


def write_video(run: Run, path: Path, frames: Iterable[FrameRecord]) -> None:
    """Write an MP4 (MPEG-4) of frames with their overlays, at their own pace. Raises RecordingError."""
    writer = None
    try:
        for record in frames:
            picture = draw(run, record)
            height, width = picture.shape[:2]
            if writer is None:
                pace = frames_per_second(run.frames)
                writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), pace, (width, height))
                if not writer.isOpened():
                    raise RecordingError(f"{path}: this OpenCV cannot write MPEG-4 videos")
            writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    finally:
        if writer is not None:
            writer.release()
    if writer is None:
        raise RecordingError(f"{run.path} has no frames to show")
