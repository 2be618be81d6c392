"""Positions in the world of what recorded frames show: their cameras, the depth scale, and blobs of labels."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from dataset.images import decode_image
from dataset.recordings.frame_record import FrameRecord, RecordedPose, frame_time
from dataset.recordings.recording import Recording
from dataset.schema import CLASSES, HERO, at_reference_size, is_visible
from follower.depth.scale import DepthScale
from follower.detection import find_blobs
from follower.geometry import Camera
from follower.ranging import Measurement, locate
from follower.settings import AgentSettings
from follower.types import Pose

SCALE_FRAMES = 30  # that the depth scale is estimated from, if the settings leave it open


@dataclass(frozen=True, eq=False)
class FrameCamera:
    """Camera of a frame, and its depth image, (height, width) uint8; None without one."""

    camera: Camera
    depth: np.ndarray | None
    target_height: float  # metres
    seconds: float  # when it was taken

    def locate(self, blob: np.ndarray) -> Measurement | None:
        """Return where the pixels of a blob, (height, width) bool, are; None where nothing says how far away."""
        probabilities = np.zeros((*blob.shape, len(CLASSES)), np.float32)
        probabilities[..., HERO] = blob
        found = find_blobs(probabilities, blob.shape, 0.5, 0.0)
        return locate(found[0].detection, self.depth, self.camera, self.target_height) if found else None


class FrameCameras:
    """The cameras of a recording's frames."""

    def __init__(self, recording: Recording):
        default = AgentSettings()
        self._recording = recording
        self._fov = recording.agent_setting("vertical_fov", 1, 170) or default.vertical_fov
        self._height = recording.agent_setting("target_height", 0.2, 10) or default.target_height
        self._far = recording.agent_setting("depth_far", 0.1, 1e6) or self._estimate()

    def of(self, record: FrameRecord) -> FrameCamera | None:
        """Return the camera of a frame; None without a pose. Raises OSError, DatasetError."""
        pose = record.gimbal_pose or record.pose
        if pose is None:
            return None
        return FrameCamera(self._camera(pose, self._far), self._depth(record), self._height, frame_time(record))

    def _camera(self, pose: RecordedPose, far: float) -> Camera:
        angles = (math.radians(angle) for angle in pose[3:])
        return Camera(Pose(*pose[:3], *angles), self._recording.frame_size, self._fov, far)

    def _depth(self, record: FrameRecord) -> np.ndarray | None:
        if record.depth_file is None:
            return None
        file = self._recording.path / record.depth_file
        return decode_image(file.read_bytes(), file)[..., 0] if file.is_file() else None

    def _estimate(self) -> float:
        scale = DepthScale()
        for record in self._recording.frames[:: max(len(self._recording.frames) // SCALE_FRAMES, 1)]:
            if record.gimbal_pose and not scale.settled:
                scale.update(self._depth(record), self._camera(record.gimbal_pose, scale.far), 0.2)
        return scale.far


def blobs(labels: np.ndarray, label: int) -> Iterator[np.ndarray]:
    """Yield (height, width) bool for each connected group of pixels of a class that is large enough to count."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8), connectivity=8)
    for number in range(1, count):
        if is_visible(at_reference_size(stats[number, cv2.CC_STAT_AREA], labels.shape)):
            yield numbers == number
