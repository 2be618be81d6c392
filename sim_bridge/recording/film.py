"""A film of a recorded flight: the camera's view beside a map of both ways, and the distance to the hero as a plot.

What the stand-in tells of the truth is drawn where it was recorded. Opens no window.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sim_bridge.recording.files import RecordingError
from sim_bridge.recording.look import frames_per_second
from sim_bridge.recording.overlay import BOX_COLOUR, CAPTION, FAINT, HERO_COLOUR, INK, PAPER, SIZE, draw
from sim_bridge.recording.runs import FrameRecord, Run

DRONE, ESTIMATE, TRUTH, CONE = (70, 110, 190), (220, 40, 40), (40, 150, 70), (215, 225, 240)  # RGB
MARGIN = 24  # pixels around the ways on the map
SIGHT = 12.0  # metres that the view cone is drawn long
HALF_VIEW = np.radians(30)  # of the camera, to either side
GIF_WIDTH, GIF_COLOURS = 560, 160
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def film_pictures(run: Run, step: int = 1) -> Iterator[np.ndarray]:
    """Every `step`-th frame beside the map up to it; (SIZE + CAPTION, 2 * SIZE, 3) uint8 RGB each."""
    chart = _Map(run.frames)
    for index in range(0, len(run.frames), step):
        yield np.concatenate([draw(run, run.frames[index]), chart.draw(index)], axis=1)


def write_gif(run: Run, path: Path, most_frames: int = 90) -> None:
    """An animation small enough for a web page: at most `most_frames` of the film's pictures, at their own pace.

    Raises RecordingError when there is no frame.
    """
    if not run.frames:
        raise RecordingError(f"{run.path} has no frames to show")
    step = -(-len(run.frames) // most_frames)
    pictures = []
    for rgb in film_pictures(run, step):
        picture = Image.fromarray(rgb)
        picture = picture.resize(
            (GIF_WIDTH, round(GIF_WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS
        )
        pictures.append(picture.quantize(palette=_palette(picture), dither=Image.Dither.NONE))
    pause = max(1000 * step / frames_per_second(run.frames) / 4, 40)  # four times as fast as it was
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=round(pause), loop=0, optimize=True)


def _palette(picture: Image.Image) -> Image.Image:
    """The colours that serve a picture best. Those of the map are of few pixels and would be lost: they are set."""
    colours = [DRONE, ESTIMATE, TRUTH, CONE, INK, FAINT, HERO_COLOUR, BOX_COLOUR]
    swatches = np.repeat(np.array(colours, np.uint8), picture.height * picture.width // 64, axis=0)
    sample = np.concatenate([np.asarray(picture).reshape(-1, 3), swatches])
    return Image.fromarray(sample[None]).quantize(GIF_COLOURS)


def distance_plot(run: Run, path: Path) -> None:
    """The drone's distance to the hero on the ground over time, by the estimate and, where it is known, the truth."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    frames = [frame for frame in run.frames if frame.pose and frame.timestamp is not None]
    if not frames:
        raise RecordingError(f"{run.path} has no poses: it was imported, not flown")
    start = frames[0].timestamp
    figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for name, colour, place in (("true", TRUTH, "truth_hero"), ("as estimated", ESTIMATE, "track_point")):
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


class _Map:
    """Seen from above, x up and y to the left, as for somebody who looks along x; large enough for the whole flight."""

    def __init__(self, frames: tuple[FrameRecord, ...]):
        self._frames = frames
        places = [place[:2] for frame in frames for place in (frame.pose, frame.track_point, frame.truth_hero) if place]
        points = np.array(places or [(0.0, 0.0)], float)
        low, high = points.min(axis=0), points.max(axis=0)
        self._middle = (low + high) / 2
        self._scale = (SIZE - 2 * MARGIN) / max(float((high - low).max()), 10.0)  # pixels a metre

    def draw(self, index: int) -> np.ndarray:
        """The map at one frame; (SIZE + CAPTION, SIZE, 3) uint8 RGB."""
        canvas = np.full((SIZE + CAPTION, SIZE, 3), PAPER, np.uint8)
        now = self._frames[index]
        if now.pose:
            self._cone(canvas, now)
        self._way(canvas, [frame.pose for frame in self._frames[: index + 1]], DRONE)
        self._way(canvas, [frame.truth_hero for frame in self._frames[: index + 1]], TRUTH)
        for frame in self._frames[: index + 1]:
            if frame.world_point:
                cv2.circle(canvas, self._pixel(frame.world_point), 1, ESTIMATE, -1, cv2.LINE_AA)
        if now.track_point:
            cv2.circle(canvas, self._pixel(now.track_point), 5, ESTIMATE, 1, cv2.LINE_AA)
        self._legend(canvas)
        return canvas

    def _way(self, canvas: np.ndarray, places: list, colour: tuple[int, int, int]) -> None:
        pixels = [self._pixel(place) for place in places if place]
        for one, other in pairwise(pixels):
            if np.hypot(*np.subtract(one, other)) < 8 * self._scale:  # farther is another hero, not a step
                cv2.line(canvas, one, other, colour, 1, cv2.LINE_AA)
        if pixels:
            cv2.circle(canvas, pixels[-1], 4, colour, -1, cv2.LINE_AA)

    def _cone(self, canvas: np.ndarray, frame: FrameRecord) -> None:
        x, y = frame.pose[:2]
        yaw = np.radians((frame.gimbal_pose or frame.pose)[5])
        edges = [(x + SIGHT * np.cos(yaw + a), y + SIGHT * np.sin(yaw + a)) for a in (-HALF_VIEW, HALF_VIEW)]
        corners = np.array([self._pixel(point) for point in ((x, y), *edges)])
        cv2.fillPoly(canvas, [corners], CONE, cv2.LINE_AA)

    def _legend(self, canvas: np.ndarray) -> None:
        left = 8
        for text, colour in (("drone", DRONE), ("hero, true", TRUTH), ("hero, estimated", ESTIMATE)):
            cv2.circle(canvas, (left + 4, SIZE + 11), 4, colour, -1, cv2.LINE_AA)
            cv2.putText(canvas, text, (left + 13, SIZE + 15), _FONT, 0.4, INK, 1, cv2.LINE_AA)
            left += 28 + 7 * len(text)
        bar = int(10 * self._scale)
        cv2.line(canvas, (SIZE - 8 - bar, SIZE - 8), (SIZE - 8, SIZE - 8), FAINT, 2)
        cv2.putText(canvas, "10 m", (SIZE - 8 - bar, SIZE - 14), _FONT, 0.38, FAINT, 1, cv2.LINE_AA)

    def _pixel(self, place: tuple[float, ...]) -> tuple[int, int]:
        x, y = (np.array(place[:2]) - self._middle) * self._scale
        return round(SIZE / 2 - y), round(SIZE / 2 - x)
