"""A map of a recorded flight: the drone's way, the hero's as estimated and, where it was recorded, as it truly was."""

from collections.abc import Sequence

import cv2
import numpy as np

from dataset.previews.overlay import CAPTION, FAINT, INK, PAPER, SIZE
from dataset.recordings.frame_record import FrameRecord

DRONE, ESTIMATE, TRUTH, CONE = (70, 110, 190), (220, 40, 40), (40, 150, 70), (215, 225, 240)  # RGB
MARGIN = 24  # pixels around the ways
SIGHT = 12.0  # metres that the view cone is drawn long
HALF_VIEW = np.radians(30)  # of the camera, to either side
JUMP = 8.0  # metres between two frames: not a step, but another hero
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class FlightMap:
    """Seen from above, x up and y to the left, as for somebody who looks along x; large enough for the whole flight.

    Draw frames in their order: the ways grow with them.
    """

    def __init__(self, frames: Sequence[FrameRecord]):
        self._frames = frames
        known = [(frame.pose, frame.track_point, frame.ground_truth_target) for frame in frames]
        places = [place[:2] for each in known for place in each if place]
        points = np.array(places or [(0.0, 0.0)], float)
        low, high = points.min(axis=0), points.max(axis=0)
        self._middle = (low + high) / 2
        self._scale = (SIZE - 2 * MARGIN) / max(float((high - low).max()), 10.0)  # pixels a metre
        self._ways = np.full((SIZE + CAPTION, SIZE, 3), PAPER, np.uint8)
        self._drawn = 0  # frames whose ways are drawn
        self._ends: dict[tuple[int, int, int], tuple[int, int]] = {}  # colour -> where its way has come to

    def draw(self, index: int) -> np.ndarray:
        """The map at one frame, with the ways up to it; (SIZE + CAPTION, SIZE, 3) uint8 RGB."""
        while self._drawn <= index:
            self._add(self._frames[self._drawn])
            self._drawn += 1
        now = self._frames[index]
        canvas = np.full_like(self._ways, PAPER)
        if now.pose:
            self._cone(canvas, now)
        np.minimum(canvas, self._ways, out=canvas)  # the darker of both: the ways lie on the cone
        for colour, end in self._ends.items():
            cv2.circle(canvas, end, 4, colour, -1, cv2.LINE_AA)
        if now.track_point:
            cv2.circle(canvas, self._pixel(now.track_point), 5, ESTIMATE, 1, cv2.LINE_AA)
        self._legend(canvas)
        return canvas

    def _add(self, frame: FrameRecord) -> None:
        for place, colour in ((frame.pose, DRONE), (frame.ground_truth_target, TRUTH)):
            if not place:
                continue
            pixel, before = self._pixel(place), self._ends.get(colour)
            if before is not None and np.hypot(*np.subtract(pixel, before)) < JUMP * self._scale:
                cv2.line(self._ways, before, pixel, colour, 1, cv2.LINE_AA)
            self._ends[colour] = pixel
        if frame.world_point:
            cv2.circle(self._ways, self._pixel(frame.world_point), 1, ESTIMATE, -1, cv2.LINE_AA)

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

    def _pixel(self, place: Sequence[float]) -> tuple[int, int]:
        x, y = (np.array(place[:2]) - self._middle) * self._scale
        return round(SIZE / 2 - y), round(SIZE / 2 - x)
