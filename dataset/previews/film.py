"""Film of a recorded flight: the camera's view beside a map, as a video or an animation."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from dataset.files import replacing
from dataset.previews.drawing import FAINT, INK
from dataset.previews.flight_map import DRONE, ESTIMATE, GROUND_TRUTH, VIEW, FlightMap
from dataset.previews.overlay import BOX_COLOUR, HERO_COLOUR, overlay
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording

GIF_WIDTH, GIF_COLOURS = 560, 160
GIF_SPEED = 4  # times the recorded pace
GIF_SHORTEST_FRAME = 40  # milliseconds
MAX_FPS, MIN_FPS, UNKNOWN_FPS = 60.0, 1.0, 5.0


def film_frames(recording: Recording, step: int = 1) -> Iterator[np.ndarray]:
    """Draw every `step`-th frame beside the map up to it; (SIZE + CAPTION, 2 * SIZE, 3) uint8 RGB each.

    Without a map, and half as wide, if no frame has a pose: the recording was imported, not flown.
    """
    flight_map = FlightMap(recording.frames) if any(frame.pose for frame in recording.frames) else None
    for index in range(0, len(recording.frames), step):
        view = overlay(recording, recording.frames[index])
        yield view if flight_map is None else np.hstack([view, flight_map.draw(index)])


def frames_per_second(frames: Sequence[FrameRecord]) -> float:
    """Return the pace of the frames by the simulator's clock."""
    steps = np.diff([frame.timestamp for frame in frames if frame.timestamp is not None])
    steps = steps[steps > 0]
    return float(np.clip(1 / np.median(steps), MIN_FPS, MAX_FPS)) if len(steps) else UNKNOWN_FPS


def write_video(path: Path, images: Iterable[np.ndarray], fps: float) -> None:
    """Write or replace an MP4 of RGB images of one size, completely or not at all. Raises RecordingError, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.touch()  # raises the OSError that OpenCV would keep to itself
        images = iter(images)
        first = next(images, None)
        if first is None:
            raise RecordingError(f"there are no frames to show, so {path} was not written")
        height, width = first.shape[:2]
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
        try:
            if not writer.isOpened():
                raise RecordingError(f"OpenCV cannot write MPEG-4 to {path}; expected a name that ends in .mp4")
            for image in itertools.chain([first], images):
                writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        finally:
            writer.release()


def write_gif(recording: Recording, path: Path, max_frames: int = 90) -> None:
    """Write an animation small enough for a web page. Raises RecordingError if there is no frame."""
    if not recording.frames:
        raise RecordingError(f"{recording.path} has no frames to show")
    step = -(-len(recording.frames) // max_frames)
    images = []
    for rgb in film_frames(recording, step):
        image = Image.fromarray(rgb)
        size = GIF_WIDTH, round(GIF_WIDTH * image.height / image.width)
        image = image.resize(size, Image.Resampling.LANCZOS)
        images.append(image.quantize(palette=_palette(image), dither=Image.Dither.NONE))
    pause = max(1000 * step / frames_per_second(recording.frames) / GIF_SPEED, GIF_SHORTEST_FRAME)
    images[0].save(path, save_all=True, append_images=images[1:], duration=round(pause), loop=0, optimize=True)


def _palette(image: Image.Image) -> Image.Image:
    """Return the best palette for an image that also has the map's colours, which are rare and would be lost."""
    colours = [DRONE, ESTIMATE, GROUND_TRUTH, VIEW, INK, FAINT, HERO_COLOUR, BOX_COLOUR]
    swatches = np.repeat(np.array(colours, np.uint8), image.height * image.width // 64, axis=0)
    sample = np.concatenate([np.asarray(image).reshape(-1, 3), swatches])
    return Image.fromarray(sample[None]).quantize(GIF_COLOURS)
