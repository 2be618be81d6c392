"""Map of a recorded flight: trajectories of the drone and of the target, as estimated and as ground truth."""

from collections.abc import Sequence

import cv2
import numpy as np

from dataset.previews.drawing import CAPTION, FAINT, PAPER, Colour, draw_text
from dataset.previews.overlay import SIZE
from dataset.recordings.frame_record import FrameRecord, RecordedPose

DRONE, ESTIMATE, GROUND_TRUTH, VIEW = (70, 110, 190), (220, 40, 40), (40, 150, 70), (215, 225, 240)  # RGB
MARGIN = 24  # pixels around the trajectories
VIEW_LENGTH = 12.0  # metres, of the drawn field of view
HALF_VIEW = np.radians(30)  # of the camera, to either side
JUMP = 8.0  # metres between two frames: not a step, but another target

Pixel = tuple[int, int]  # (column, row), as OpenCV takes it


class FlightMap:
    """Map of the whole flight, seen from above, x up and y left. Draw the frames in order: trajectories grow."""

    def __init__(self, frames: Sequence[FrameRecord]):
        self._frames = frames
        positions = [at for frame in frames for at in (frame.pose, frame.track_point, frame.ground_truth_target) if at]
        points = np.array([position[:2] for position in positions] or [(0.0, 0.0)], float)
        low, high = points.min(axis=0), points.max(axis=0)
        self._middle = (low + high) / 2
        self._scale = (SIZE - 2 * MARGIN) / max(float((high - low).max()), 10.0)  # pixels per metre
        self._trajectories = np.full((SIZE + CAPTION, SIZE, 3), PAPER, np.uint8)
        self._drawn = 0  # frames in the trajectories
        self._ends: dict[Colour, Pixel] = {}  # of the trajectories

    def draw(self, index: int) -> np.ndarray:
        """Draw the map at one frame, with the trajectories up to it; (SIZE + CAPTION, SIZE, 3) uint8 RGB."""
        while self._drawn <= index:
            self._extend(self._frames[self._drawn])
            self._drawn += 1
        frame = self._frames[index]
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

    def _extend(self, frame: FrameRecord) -> None:
        for position, colour in ((frame.pose, DRONE), (frame.ground_truth_target, GROUND_TRUTH)):
            if not position:
                continue
            pixel, before = self._pixel(position), self._ends.get(colour)
            if before is not None and np.hypot(*np.subtract(pixel, before)) < JUMP * self._scale:
                cv2.line(self._trajectories, before, pixel, colour, 1, cv2.LINE_AA)
            self._ends[colour] = pixel
        if frame.world_point:
            cv2.circle(self._trajectories, self._pixel(frame.world_point), 1, ESTIMATE, -1, cv2.LINE_AA)

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
