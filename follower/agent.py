"""The agent: the same frames and outputs of the network give the same decisions; it has no clock of its own."""

import logging
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from follower.appearance import AppearanceMemory, appearance
from follower.depth.check import CONTRADICTION, OTHER_BUILD, DepthCheck, depth_agrees
from follower.depth.scale import DepthScale
from follower.detection import Blob, find_blobs
from follower.evidence import FrameEvidence, Silhouette
from follower.filter import Candidate, Track
from follower.geometry import Camera
from follower.ranging import Measurement, locate
from follower.search import Search, is_hidden
from follower.settings import AgentSettings
from follower.timing import frame_seconds
from follower.tracking import Tracker
from follower.types import (
    Command,
    CreateBoxMarker,
    Decision,
    DeleteMarker,
    Frame,
    Motion,
    ObjectDetected,
    ObjectLost,
    Point,
    Pose,
    TargetState,
)

MAX_CANDIDATES = 4  # blobs that are ranged; the target is never weaker than the fourth
KEEP_AREA_RATIO = 0.5  # of `min_area`: less is enough to continue a track than to start one
MAX_PERSON_AREA = 0.6  # square metres of silhouette; a larger one does not resemble the target more
CERTAIN_LOG_ODDS = 12.0  # evidence from which on the target's appearance is remembered
MARKER_IDS = 1 << 24  # QuadSim truncates ids to whole numbers below this

logger = logging.getLogger(__name__)


class Sighting(NamedTuple):
    """A blob that has a range. `doubtful`: the depth image contradicts it."""

    blob: Blob
    measurement: Measurement
    doubtful: bool


class FollowAgent:
    """Follows one target for one simulator. Every simulator gets an agent of its own."""

    def __init__(self, settings: AgentSettings | None = None) -> None:
        self.settings = settings or AgentSettings()
        # Whether the simulator takes more than QuadSim does: where to look for a lost target, and how one moves.
        self.extended_commands = False
        self._search: Search | None = None  # the newest one
        self._look_at: np.ndarray | None = None  # where the newest report said to look for it, metres
        self._tracker = Tracker(self.settings.max_missed_seconds, self.settings.switch_after_seconds)
        self._scale = DepthScale()
        self._depth_check = DepthCheck()
        self._memory = AppearanceMemory()
        self._depth_reported = False  # that it contradicts the picture
        self._time: float | None = None  # of the last frame
        self._marker_id = 0  # one id from finding a target to its loss, counted from 1

    def step(self, frame: Frame, probabilities: np.ndarray) -> Decision:
        """Decide on one frame; `probabilities` (rows, columns, 3) float32 at the network's resolution.

        While the target is visible, each frame sends its filtered position. While it is missed briefly nothing is sent:
        the simulator can extrapolate as well; `track_point` still has the extrapolation for viewers. A loss is reported
        once.

        The depth image is decoded only when there is something to measure, or a person where a missed one should be,
        in a search, and while `depth_far` "auto" is not settled.
        Errors (of decoding, of the shape of `probabilities`) leave the agent as it was before the frame.
        """
        before = self._tracker.state
        min_area = self.settings.min_area * (KEEP_AREA_RATIO if before is TargetState.FOUND else 1.0)
        blobs = find_blobs(probabilities, frame.image.shape[:2], self.settings.threshold, min_area)
        seconds = frame_seconds(frame.timestamp, self._time)
        self._estimate_depth_scale(frame, seconds)
        camera = self._camera(frame)
        sightings = self._measure(frame, camera, blobs[:MAX_CANDIDATES], seconds) if blobs else []
        if self._tracker.resumes(frame.timestamp):
            self._memory.doubt()
        depth_frame = frame if self._depth_check.trusted else None
        evidence = FrameEvidence(depth_frame, probabilities, camera, self.settings.target_height)
        people = [evidence.silhouette(sighting.blob, sighting.measurement) for sighting in sightings]
        candidates = [self._candidate(frame, evidence, *pair) for pair in zip(sightings, people, strict=True)]
        hidden = self._is_search_blocked(depth_frame, camera)
        index = self._tracker.step(frame.timestamp, candidates, evidence.at_predicted_position)
        if index is None and self.extended_commands and self._tracker.resumes(frame.timestamp):
            self._tracker.lose_target()  # the quad flew on without pictures: only a search finds it
        self._time = frame.timestamp
        lost = self._tracker.state is TargetState.LOST
        disproved = before is TargetState.FOUND and lost and self._tracker.lost_track is None
        if (self._tracker.switched or disproved) and not self._memory.doubted:
            self._memory.forget()  # it proved to be somebody else
        elif lost:
            self._memory.doubt()
        if index is None:
            return self._decide(before, None, self._place_to_look_at(frame.timestamp, seconds, hidden))
        if self._tracker.evidence >= CERTAIN_LOG_ODDS:
            self._memory.add(appearance(frame.image, people[index], evidence.size), frame.timestamp, seconds)
        return self._decide(before, sightings[index])

    def drop_target(self, frame: Frame) -> Decision:
        """Drop the target, if there is one, and decide on a frame without looking for another."""
        before = self._tracker.state
        self._estimate_depth_scale(frame, frame_seconds(frame.timestamp, self._time))
        self._tracker.drop_target()
        self._memory.forget()
        self._time = frame.timestamp
        return self._decide(before, None)

    def _candidate(self, frame: Frame, evidence: FrameEvidence, sighting: Sighting, person: Silhouette) -> Candidate:
        blob, measurement, doubtful = sighting
        log_odds = 0.0 if doubtful else evidence.for_blob(blob, measurement, person)
        if log_odds > 0 and self._memory.doubted:
            log_odds += self._memory.log_odds(appearance(frame.image, person, evidence.size), frame.timestamp)
        return Candidate(
            measurement.point,
            measurement.covariance,
            strength=min(measurement.area, MAX_PERSON_AREA) * blob.detection.confidence,
            log_odds=log_odds,
            can_start=blob.reference_area >= self.settings.min_area,
        )

    def _camera(self, frame: Frame) -> Camera:
        depth_far = self._scale.far if self.settings.depth_far == "auto" else self.settings.depth_far
        return Camera(frame.gimbal_pose, frame.image.shape[:2], self.settings.vertical_fov, depth_far)

    def _estimate_depth_scale(self, frame: Frame, seconds: float) -> None:
        if self.settings.depth_far != "auto" or self._scale.settled:
            return
        before = self._scale.far
        self._scale.update(frame.depth_image, self._camera(frame), seconds)
        if self._scale.far != before:
            logger.info("depth_far = %g m: the ground in view says so", self._scale.far)
            self._depth_check = DepthCheck()

    def _measure(self, frame: Frame, camera: Camera, blobs: list[Blob], seconds: float) -> list[Sighting]:
        """Return the blobs that have a range, and for each whether it is doubtful: the depth image contradicts it.

        The range is then by apparent height. So is every range after the depth image has contradicted the picture for a
        while; then nothing is doubtful.
        """
        depth, height = frame.depth_image, self.settings.target_height
        sightings: list[tuple[Blob, Measurement, bool | None]] = []
        for blob in blobs:
            if measurement := locate(blob.detection, depth, camera, height):
                sightings.append((blob, measurement, depth_agrees(blob, measurement, depth, camera, height)))
        agreement = next((agrees for *_, agrees in sightings if agrees is not None), None)
        if self._depth_check.update(agreement, seconds):
            self._scale.reconsider()
            self._report_depth()
        trusted = self._depth_check.trusted
        results = []
        for blob, measurement, agrees in sightings:
            usable = trusted and agrees is not False
            located = measurement if usable else locate(blob.detection, None, camera, height)
            if located:
                results.append(Sighting(blob, located, trusted and not usable))
        return results

    def _report_depth(self) -> None:
        if not self._depth_reported:
            self._depth_reported = True
            logger.warning("%s", CONTRADICTION + (OTHER_BUILD if self.settings.depth_far != "auto" else ""))

    def _is_search_blocked(self, frame: Frame | None, camera: Camera) -> bool:
        """Return whether something hides where the target is looked for; `frame`: None if its depth is not trusted."""
        return self._look_at is not None and frame is not None and is_hidden(self._look_at, frame.depth_image, camera)

    def _place_to_look_at(self, time: float, seconds: float, hidden: bool) -> np.ndarray | None:
        """Return where to look for a lost target, (3,) metres; None where there is nothing to look for."""
        lost = self._tracker.lost_track
        if lost is None or not self.extended_commands:
            return None
        if self._search is None or self._search.lost is not lost:
            self._search = Search(lost)
        return self._search.place_to_look_at(time, seconds, hidden)

    def _decide(self, before: TargetState, seen: Sighting | None, look_at: np.ndarray | None = None) -> Decision:
        """Return the decision after the tracker's step; `seen` is the target in this frame."""
        state, track = self._tracker.state, self._tracker.track
        if state is TargetState.FOUND and before is not TargetState.FOUND:
            self._marker_id = (self._marker_id + 1) % MARKER_IDS
        track_point = None if track is None else _point(track.point)
        commands: tuple[Command, ...] = ()
        if track is not None and seen is not None:
            self._look_at, commands = None, self._follow_commands(track)
        elif state is TargetState.LOST:
            commands = self._lost_commands(before, look_at)
        decision = Decision(state, state is not before, commands, track_point=track_point)
        if seen is None:
            return decision
        blob, measured, _ = seen
        return replace(decision, detection=blob.detection, range=measured.range, world_point=_point(measured.point))

    def _lost_commands(self, before: TargetState, place: np.ndarray | None) -> tuple[Command, ...]:
        """Return the commands of a frame after a loss: one report of it, then places to look at while there are any."""
        commands: tuple[Command, ...] = ()
        if before is TargetState.FOUND or place is not None or self._look_at is not None:
            commands = (ObjectLost(None if place is None else _point(place)),)
        self._look_at = place
        if before is TargetState.FOUND and self.settings.marker:
            commands = (*commands, DeleteMarker(self._marker_id))
        return commands

    def _follow_commands(self, track: Track) -> tuple[Command, ...]:
        settings, point = self.settings, _point(track.point)
        motion = Motion(_point(track.velocity), track.time) if self.extended_commands else None
        if not settings.marker:
            return (ObjectDetected(point, motion),)
        marker = CreateBoxMarker(
            self._marker_id,
            Pose(*point, 0.0, 0.0, 0.0),
            settings.marker_dimensions,
            settings.marker_color,
            settings.marker_duration,
        )
        return ObjectDetected(point, motion), marker


def _point(values: np.ndarray) -> Point:
    x, y, z = values.tolist()
    return x, y, z
