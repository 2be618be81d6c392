"""The follow agent: one frame and what the network sees in it go in, one decision comes out.

Deterministic and without a clock: the same frames give the same decisions live, replayed, in benchmarks and in tests.
"""

import logging
from dataclasses import replace

import numpy as np

from follower.depth_scale import DepthScale
from follower.detection import Blob, find_blobs
from follower.evidence import Look
from follower.ranging import Measurement, locate
from follower.settings import AgentSettings
from follower.tracking import Candidate, Tracker
from follower.types import (
    Command,
    CreateBoxMarker,
    Decision,
    DeleteMarker,
    Frame,
    ObjectDetected,
    ObjectLost,
    Pose,
    TargetState,
)

__all__ = ["AgentSettings", "FollowAgent"]

MAX_CANDIDATES = 4  # blobs worth a range; what is weaker than the fourth is not the hero
KEEP_SHARE = 0.5  # of `min_area`: less will do to stay on a track than to start one
PERSON_AREA = 0.6  # square metres of silhouette; what is larger does not look more like the hero
MARKER_IDS = 1 << 24  # QuadSim truncates ids to whole numbers below this

logger = logging.getLogger(__name__)


class FollowAgent:
    """Follows one hero for one simulator. Every simulator gets an agent of its own."""

    def __init__(self, settings: AgentSettings | None = None) -> None:
        self.settings = settings or AgentSettings()
        self._tracker = Tracker(self.settings.max_missed_frames, self.settings.switch_after_frames)
        self._scale = DepthScale(self.settings.vertical_fov)
        self._targets = 0  # found so far; the marker's id, so that each target keeps one

    def drop_target(self, frame: Frame) -> Decision:
        """Drop the target, if there is one, and decide on a frame without looking for another."""
        before = self._tracker.state
        self._watch_ground(frame)
        self._tracker.drop_target()
        return self._decision(before, None)

    def step(self, frame: Frame, probabilities: np.ndarray) -> Decision:
        """Decides what one frame means.

        While the hero is seen, each frame sends its filtered position. While it is missed for a moment nothing is
        sent: the position would be a guess, and the simulator can extrapolate as well. `track_point` still has the
        guess for viewers. Loss is said once.

        Args:
            frame: its depth image is asked for only when there is something to measure, and while `depth_far` "auto" is
                not settled. Errors of decoding it pass through; the agent is then as it was before the frame.
            probabilities: (rows, columns, 3) float32, classes background, people, hero, at the network's resolution.

        Raises ValueError when `probabilities` has another shape.
        """
        settings, before = self.settings, self._tracker.state
        image_size = frame.image.shape[:2]
        smallest = settings.min_area * (KEEP_SHARE if before is TargetState.FOUND else 1.0)
        blobs = find_blobs(probabilities, image_size, settings.threshold, smallest)
        self._watch_ground(frame)
        seen = self._measure(frame, image_size, blobs[:MAX_CANDIDATES]) if blobs else []
        look = Look(frame, probabilities, self._depth_far, settings.vertical_fov, settings.target_height)
        candidates = [
            Candidate(
                place.point,
                place.covariance,
                strength=min(place.area, PERSON_AREA) * blob.detection.confidence,
                log_odds=look.at_blob(blob, place),
                good=blob.reference_area >= settings.min_area,
            )
            for blob, place in seen
        ]
        index = self._tracker.step(frame.timestamp, candidates, look.at_place)
        return self._decision(before, None if index is None else seen[index])

    def _watch_ground(self, frame: Frame) -> None:
        if self.settings.depth_far == "auto" and not self._scale.settled:
            self._scale.watch(frame.depth_image, frame.gimbal_pose)

    def _decision(self, before: TargetState, seen: tuple[Blob, Measurement] | None) -> Decision:
        """The decision now that the tracker has seen the frame; `seen` is the target in it."""
        state, track = self._tracker.state, self._tracker.track
        if state is TargetState.FOUND and before is not TargetState.FOUND:
            self._targets += 1
        blob, place = (None, None) if seen is None else seen
        track_point = None if track is None else tuple(track.point.tolist())
        return Decision(
            state=state,
            changed=state is not before,
            commands=self._commands(before, state, track_point, measured=place is not None),
            detection=None if blob is None else blob.detection,
            range=None if place is None else place.range,
            world_point=None if place is None else tuple(place.point.tolist()),
            track_point=track_point,
        )

    @property
    def _depth_far(self) -> float:
        return self._scale.far if self.settings.depth_far == "auto" else self.settings.depth_far

    def _measure(self, frame: Frame, image_size: tuple[int, int], blobs: list[Blob]) -> list[tuple[Blob, Measurement]]:
        depth_image = frame.depth_image
        seen = []
        for blob in blobs:
            place = locate(
                blob.detection,
                depth_image,
                image_size,
                frame.gimbal_pose,
                depth_far=self._depth_far,
                vertical_fov=self.settings.vertical_fov,
                target_height=self.settings.target_height,
            )
            if place is not None:
                seen.append((blob, place))
        if any(place.giant for _, place in seen) and self._doubt(frame):
            return [(blob, replace(place, giant=False)) for blob, place in seen]
        return seen

    def _doubt(self, giants: Frame) -> bool:
        """Whether a frame's giants are people: the ground tells that `depth_far` is another build's."""
        far = self.settings.depth_far
        if far == "auto":
            return False
        if not self._scale.settled:
            self._scale.watch(giants.depth_image, giants.gimbal_pose)
            if self._scale.settled and self._scale.far != far:
                told = "the ground looks as if depth_far were %g, not %g: distances are told by apparent height"
                logger.warning(told, self._scale.far, far)
        return self._scale.settled and self._scale.far != far

    def _commands(
        self, before: TargetState, state: TargetState, point: tuple[float, float, float] | None, *, measured: bool
    ) -> tuple[Command, ...]:
        settings, marker_id = self.settings, self._targets % MARKER_IDS
        if state is TargetState.FOUND and measured:
            detected = ObjectDetected(point)
            if not settings.marker:
                return (detected,)
            pose = Pose(*point, roll=0.0, pitch=0.0, yaw=0.0)
            marker = CreateBoxMarker(
                marker_id, pose, settings.marker_dimensions, settings.marker_color, settings.marker_duration
            )
            return (detected, marker)
        if state is TargetState.LOST and before is TargetState.FOUND:
            return (ObjectLost(), DeleteMarker(marker_id)) if settings.marker else (ObjectLost(),)
        return ()
