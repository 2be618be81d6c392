"""The agent of 2017, as a baseline.

Its mistakes are reproduced: the centroid in the network's pixels is used on the 256-pixel depth image, row and column
are swapped in the back-projection, the focal length is taken for 256 pixels and `far` for 50 m, and a single depth
pixel determines the range.
"""

import numpy as np

from follower.detection import find_blobs
from follower.geometry import Camera
from follower.types import Command, Frame, ObjectDetected, ObjectLost, Point
from gym_follow.agents.frames import action_of, frame_of, probabilities_of
from gym_follow.report import Action, Info, Observation

THRESHOLD = 0.5
MIN_PIXELS = 10  # at the network's resolution
MAX_MISSED_FRAMES = 6
FOCAL_LENGTH = 256.0  # pixels; the camera's is 221.7
FAR = 50.0  # metres; the camera's is 100


class OriginalDecisions:
    """The decisions of the original program."""

    def __init__(self) -> None:
        self._found = False
        self._missed_frames = 0

    def step(self, frame: Frame, probabilities: np.ndarray) -> tuple[Command, ...]:
        """Return the commands for one frame; probabilities: (rows, columns, 3) float32."""
        size = probabilities.shape[0], probabilities.shape[1]
        if (probabilities[..., 2] > THRESHOLD).sum() > MIN_PIXELS:
            largest = max(find_blobs(probabilities, size, THRESHOLD, 1.0), key=lambda blob: blob.detection.area)
            row, column = (int(value) for value in largest.detection.centroid)
            self._found, self._missed_frames = True, 0
            return (ObjectDetected(_back_project(frame, row, column)),)
        if self._found:
            self._missed_frames += 1
            if self._missed_frames > MAX_MISSED_FRAMES:
                self._found = False
                return (ObjectLost(),)
        return ()


class OriginalAgent:
    """The original program's decisions with the network `weights`; without them, with ground-truth masks."""

    def __init__(self, weights: str | None) -> None:
        self._decisions, self._weights = OriginalDecisions(), weights

    def act(self, observation: Observation, info: Info) -> Action:
        """Return what the original decides on one frame."""
        probabilities = probabilities_of(observation, self._weights)
        return action_of(self._decisions.step(frame_of(observation), probabilities))


def _back_project(frame: Frame, row: int, column: int) -> Point:
    assert frame.depth_image is not None, "the original program does not work without a depth image"
    depth = float(frame.depth_image[row, column]) * FAR / 255.0
    half = frame.depth_image.shape[0] / 2
    # Forward, left and up in the camera's axes, with row and column swapped.
    ray = np.array([1.0, -(row - half) / FOCAL_LENGTH, -(column - half) / FOCAL_LENGTH]) * depth
    camera = Camera(frame.gimbal_pose, frame.depth_image.shape[:2], vertical_fov=60.0, depth_far=FAR)
    x, y, z = (camera.position + camera.rotation @ ray).tolist()
    return (x, y, z)
