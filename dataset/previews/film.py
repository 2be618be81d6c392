"""A film of a recorded flight: the camera's view beside a map of both ways; and the distance to the hero as a plot.

What the stand-in tells of the truth is drawn where it was recorded. Opens no window.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from dataset.files import replacing
from dataset.previews.flight_map import CONE, DRONE, ESTIMATE, TRUTH, FlightMap
from dataset.previews.overlay import BOX_COLOUR, FAINT, HERO_COLOUR, INK, draw
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording

GIF_WIDTH, GIF_COLOURS = 560, 160
MOST_FPS, LEAST_FPS = 60.0, 1.0


def film_frames(recording: Recording, step: int = 1) -> Iterator[np.ndarray]:
    """Every `step`-th frame beside the map up to it; (SIZE + CAPTION, 2 * SIZE, 3) uint8 RGB each.

    Without a map, and half as wide, where no frame has a pose: what was imported, not flown.
    """
    chart = FlightMap(recording.frames) if any(frame.pose for frame in recording.frames) else None
    for index in range(0, len(recording.frames), step):
        picture = draw(recording, recording.frames[index])
        yield picture if chart is None else np.concatenate([picture, chart.draw(index)], axis=1)


def frames_per_second(frames: tuple[FrameRecord, ...]) -> float:
    """The pace at which frames came, by the simulator's clock; 5 where it is not known."""
    times = [frame.timestamp for frame in frames if frame.timestamp is not None]
    steps = np.diff(times)
    steps = steps[steps > 0]
    return float(np.clip(1 / np.median(steps), LEAST_FPS, MOST_FPS)) if len(steps) else 5.0


def write_video(path: Path, pictures: Iterable[np.ndarray], pace: float) -> None:
    """Write an MP4 (MPEG-4) of RGB pictures of one size, so many a second; its folder is made where it is missing.

    What stood at `path` is replaced by the whole film or not at all. Raises RecordingError, OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.touch()  # raises the OSError that OpenCV would keep to itself
        writer = None
        try:
            for picture in pictures:
                height, width = picture.shape[:2]
                if writer is None:
                    writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), pace, (width, height))
                    if not writer.isOpened():
                        raise RecordingError(f"OpenCV cannot write MPEG-4 to {path}; expected a name that ends in .mp4")
                writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        finally:
            if writer is not None:
                writer.release()
        if writer is None:
            raise RecordingError(f"there are no frames to show, so {path} was not written")


def write_gif(recording: Recording, path: Path, most_frames: int = 90) -> None:
    """An animation small enough for a web page: at most `most_frames` of the film's pictures, at their own pace.

    Raises RecordingError when there is no frame.
    """
    if not recording.frames:
        raise RecordingError(f"{recording.path} has no frames to show")
    step = -(-len(recording.frames) // most_frames)
    pictures = []
    for rgb in film_frames(recording, step):
        picture = Image.fromarray(rgb)
        picture = picture.resize(
            (GIF_WIDTH, round(GIF_WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS
        )
        pictures.append(picture.quantize(palette=_palette(picture), dither=Image.Dither.NONE))
    pause = max(1000 * step / frames_per_second(recording.frames) / 4, 40)  # four times as fast as it was
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=round(pause), loop=0, optimize=True)


def _palette(picture: Image.Image) -> Image.Image:
    """The colours that serve a picture best. Those of the map are of few pixels and would be lost: they are set."""
    colours = [DRONE, ESTIMATE, TRUTH, CONE, INK, FAINT, HERO_COLOUR, BOX_COLOUR]
    swatches = np.repeat(np.array(colours, np.uint8), picture.height * picture.width // 64, axis=0)
    sample = np.concatenate([np.asarray(picture).reshape(-1, 3), swatches])
    return Image.fromarray(sample[None]).quantize(GIF_COLOURS)


def distance_plot(recording: Recording, path: Path) -> None:
    """The drone's distance to the hero on the ground over time, by the estimate and, where it is known, the truth."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    frames = [frame for frame in recording.frames if frame.pose and frame.timestamp is not None]
    if not frames:
        raise RecordingError(f"{recording.path} has no poses: it was imported, not flown")
    start = frames[0].timestamp
    figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for name, colour, place in (("true", TRUTH, "ground_truth_target"), ("as estimated", ESTIMATE, "track_point")):
        points = [(f.timestamp - start, _distance(f.pose, getattr(f, place))) for f in frames if getattr(f, place)]
        if points:
            axis.plot(*zip(*points, strict=True), color=np.array(colour) / 255, label=name, linewidth=1.4)
    for frame in frames:
        if frame.changed and frame.state in ("found", "lost"):
            axis.axvline(frame.timestamp - start, color="0.6", linewidth=0.8)
            axis.annotate(frame.state, (frame.timestamp - start, 0.96), xycoords=("data", "axes fraction"), fontsize=8)
    axis.set(xlabel="seconds", ylabel="metres", title="Distance from the drone to the hero", ylim=(0, None))
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _distance(pose: tuple[float, ...], point: tuple[float, float, float]) -> float:
    return float(np.hypot(pose[0] - point[0], pose[1] - point[1]))
