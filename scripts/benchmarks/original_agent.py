"""What the follower of 2017 did with a frame, for comparison: its geometry, its single depth pixel, its lost rule.

Its mistakes, as they were: the centroid in the network's pixels is used on the 256-pixel depth image, row and column
are swapped in the back-projection, the focal length is taken for 256 pixels and `far` for 50 m, and one depth pixel
decides.
"""

import numpy as np

from follower.detection import find_blobs
from follower.types import Command, Frame, ObjectDetected, ObjectLost

THRESHOLD = 0.5
LEAST_PIXELS = 10  # at the network's resolution
MISSES = 6
FOCAL_LENGTH = 256.0  # pixels; the camera's is 221.7
FAR = 50.0  # metres; the camera's is 100


class OriginalAgent:
    """Decides as the original program did; `step` has the signature of ours but returns the commands only."""

    def __init__(self):
        self._found = False
        self._misses = 0

    def step(self, frame: Frame, probabilities: np.ndarray) -> tuple[Command, ...]:
        """Commands for one frame; probabilities: (rows, columns, 3) float32."""
        size = probabilities.shape[:2]
        if (probabilities[..., 2] > THRESHOLD).sum() > LEAST_PIXELS:
            largest = max(find_blobs(probabilities, size, THRESHOLD, 1.0), key=lambda blob: blob.detection.area)
            row, column = (int(value) for value in largest.detection.centroid)
            self._found, self._misses = True, 0
            return (ObjectDetected(self._point(frame, row, column)),)
        if self._found:
            self._misses += 1
            if self._misses > MISSES:
                self._found = False
                return (ObjectLost(),)
        return ()

    def _point(self, frame: Frame, row: int, column: int) -> tuple[float, float, float]:
        depth = frame.depth_image[row, column] * FAR / 255.0
        half = frame.depth_image.shape[0] / 2
        # In the camera: forward, left, up; with row and column in each other's place.
        ray = np.array([1.0, -(row - half) / FOCAL_LENGTH, -(column - half) / FOCAL_LENGTH]) * depth
        camera = frame.gimbal_pose
        return tuple(np.array([camera.x, camera.y, camera.z]) + _rotation(camera.roll, camera.pitch, camera.yaw) @ ray)


def _rotation(roll: float, pitch: float, yaw: float) -> np.ndarray:
    (sr, sp, sy), (cr, cp, cy) = np.sin([roll, pitch, yaw]), np.cos([roll, pitch, yaw])
    around_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    around_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    around_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return around_z @ around_y @ around_x
