"""Film of a recorded flight: the camera's view beside a map, as a video or an animation."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from dataset.files import replacing
from dataset.previews.drawing import CAPTION, FAINT, INK, PAPER, Colour, draw_text
from dataset.previews.overlay import BOX_COLOUR, HERO_COLOUR, SIZE, overlay
from dataset.recordings.frame_record import FrameRecord, RecordedPose
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording

DRONE, ESTIMATE, GROUND_TRUTH, VIEW = (70, 110, 190), (220, 40, 40), (40, 150, 70), (215, 225, 240)  # RGB
MARGIN = 24  # pixels around the trajectories
VIEW_LENGTH = 12.0  # metres, of the drawn field of view
HALF_VIEW = np.radians(30)  # of the camera, to either side
JUMP = 8.0  # metres between two frames: not a step, but another target
GIF_WIDTH, GIF_COLOURS = 560, 160
GIF_SPEED = 4  # times the recorded pace
GIF_SHORTEST_FRAME = 40  # milliseconds
MAX_FPS, MIN_FPS, UNKNOWN_FPS = 60.0, 1.0, 5.0

Pixel = tuple[int, int]  # (column, row), as OpenCV takes it


class FlightMap:
    """Map of a flight with poses, seen from above, x up and y left; trajectories grow by each frame that is added."""

    def __init__(self, frames: Sequence[FrameRecord]):
        positions = [at for frame in frames for at in (frame.pose, frame.track_point, frame.ground_truth_target) if at]
        points = np.array([position[:2] for position in positions], float)
        low, high = points.min(axis=0), points.max(axis=0)
        self._middle = (low + high) / 2
        self._scale = (SIZE - 2 * MARGIN) / max(float((high - low).max()), 10.0)  # pixels per metre
        self._trajectories = np.full((SIZE + CAPTION, SIZE, 3), PAPER, np.uint8)
        self._ends: dict[Colour, Pixel] = {}  # of the trajectories

    def add(self, frame: FrameRecord) -> None:
        """Extend the trajectories to a frame."""
        for position, colour in ((frame.pose, DRONE), (frame.ground_truth_target, GROUND_TRUTH)):
            if not position:
                continue
            pixel, before = self._pixel(position), self._ends.get(colour)
            if before is not None and np.hypot(*np.subtract(pixel, before)) < JUMP * self._scale:
                cv2.line(self._trajectories, before, pixel, colour, 1, cv2.LINE_AA)
            self._ends[colour] = pixel
        if frame.world_point:
            cv2.circle(self._trajectories, self._pixel(frame.world_point), 1, ESTIMATE, -1, cv2.LINE_AA)

    def draw(self, frame: FrameRecord) -> np.ndarray:
        """Draw the map at the frame that was added last; (SIZE + CAPTION, SIZE, 3) uint8 RGB."""
        canvas = np.full_like(self._trajectories, PAPER)
        if frame.pose:
            self._draw_view(canvas, frame.gimbal_pose or frame.pose, frame.pose)
        np.minimum(canvas, self._trajectories, out=canvas)  # the darker of both: trajectories lie on the view
        for colour, end in self._ends.items():
            cv2.circle(canvas, end, 4, colour, -1, cv2.LINE_AA)
        if frame.track_point:
            cv2.circle(canvas, self._pixel(frame.track_point), 5, ESTIMATE, 1, cv2.LINE_AA)
        self._draw_legend(canvas)
        return canvas

    def _draw_view(self, canvas: np.ndarray, camera: RecordedPose, drone: RecordedPose) -> None:
        angles = np.radians(camera[5]) + np.array([-HALF_VIEW, HALF_VIEW])
        edges = np.array(drone[:2]) + VIEW_LENGTH * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        corners = np.array([self._pixel(point) for point in (drone, *edges)])
        cv2.fillPoly(canvas, [corners], VIEW, cv2.LINE_AA)

    def _draw_legend(self, canvas: np.ndarray) -> None:
        left = 8
        for text, colour in (("drone", DRONE), ("target", GROUND_TRUTH), ("target, estimated", ESTIMATE)):
            cv2.circle(canvas, (left + 4, SIZE + 11), 4, colour, -1, cv2.LINE_AA)
            draw_text(canvas, text, left + 13, SIZE + 15, size=0.4)
            left += 28 + 7 * len(text)
        bar = int(10 * self._scale)
        cv2.line(canvas, (SIZE - 8 - bar, SIZE - 8), (SIZE - 8, SIZE - 8), FAINT, 2)
        draw_text(canvas, "10 m", SIZE - 8 - bar, SIZE - 14, FAINT, size=0.38)

    def _pixel(self, position: Sequence[float]) -> Pixel:
        x, y = (np.array(position[:2]) - self._middle) * self._scale
        return round(SIZE / 2 - y), round(SIZE / 2 - x)


def film_frames(recording: Recording, step: int = 1) -> Iterator[np.ndarray]:
    """Draw every `step`-th frame beside the map up to it; (SIZE + CAPTION, 2 * SIZE, 3) uint8 RGB each.

    Without a map, and half as wide, if no frame has a pose: the recording was imported, not flown.
    """
    flight_map = FlightMap(recording.frames) if any(frame.pose for frame in recording.frames) else None
    for index, frame in enumerate(recording.frames):
        if flight_map is not None:
            flight_map.add(frame)
        if index % step == 0:
            view = overlay(recording, frame)
            yield view if flight_map is None else np.hstack([view, flight_map.draw(frame)])


def frames_per_second(frames: Sequence[FrameRecord]) -> float:
    """Return the pace of the frames by the simulator's clock."""
    steps = np.diff([frame.timestamp for frame in frames if frame.timestamp is not None])
    steps = steps[steps > 0]
    return float(np.clip(1 / np.median(steps), MIN_FPS, MAX_FPS)) if len(steps) else UNKNOWN_FPS


def write_video(path: Path, images: Iterable[np.ndarray], fps: float) -> None:
    """Write or replace an MP4 of RGB images of one size, completely or not at all. Raises RecordingError, OSError."""
    if path.suffix.lower() != ".mp4":
        raise RecordingError(f"expected a name that ends in .mp4, got {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.touch()  # raises the OSError that OpenCV would keep to itself
        images = iter(images)
        first = next(images, None)
        if first is None:
            raise RecordingError(f"there are no frames to show, so {path} was not written")
        height, width = first.shape[:2]
        rate = round(fps, 3 if fps < 65 else 2)  # MPEG-4 counts in fractions of a second with 16 bits
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), rate, (width, height))
        try:
            if not writer.isOpened():
                raise RecordingError(f"OpenCV cannot write MPEG-4 to {path}")
            count = 0
            for image in itertools.chain([first], images):
                writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
                count += 1
        finally:
            writer.release()
        if (written := _frames_in(temporary)) != count:  # OpenCV keeps a full disk to itself
            raise OSError(f"{path} was not written: {written} of {count} frames arrived; is the disk full?")


def _frames_in(film: Path) -> int:
    reader = cv2.VideoCapture(str(film))
    try:
        return int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
    finally:
        reader.release()


def write_gif(recording: Recording, path: Path, max_frames: int = 45) -> None:
    """Write an animation small enough for a web page. Raises RecordingError if there is no frame."""
    if not recording.frames:
        raise RecordingError(f"{recording.path} has no frames to show")
    step = math.ceil(len(recording.frames) / max_frames)
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
