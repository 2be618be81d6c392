"""The agent: the same frames and outputs of the network give the same decisions; it has no clock of its own."""

from dataclasses import replace

import numpy as np

from follower.appearance import AppearanceMemory, appearance
from follower.commands import commands_to_follow, point_of
from follower.depth.ranger import Ranger, Sighting
from follower.detection import find_blobs
from follower.evidence.frame_evidence import CLOSE_RANGE, BlobEvidence, FrameEvidence
from follower.evidence.likelihood import TYPICAL_FRACTION
from follower.evidence.silhouettes import Silhouette, Silhouettes
from follower.restoration.restorer import PictureRestorer
from follower.search.planner import SearchPlanner
from follower.settings import AgentSettings
from follower.timing import frame_seconds
from follower.tracking.candidates import Candidate
from follower.tracking.hypotheses import CERTAIN_LOG_ODDS
from follower.tracking.tracker import Tracker
from follower.types import Command, Decision, DeleteMarker, Extent, Frame, ObjectLost, TargetState

MAX_CANDIDATES = 4  # blobs that are ranged, and separated; the target is never weaker than the fourth
KEEP_AREA_RATIO = 0.5  # of `min_area`: less is enough to continue a track than to start one
MAX_PERSON_AREA = 0.6  # square metres of silhouette; a larger one does not resemble the target more
MARKER_IDS = 1 << 24  # QuadSim truncates ids to whole numbers below this


class FollowAgent:
    """Follows one target for one simulator. Every simulator gets an agent of its own."""

    def __init__(self, settings: AgentSettings | None = None) -> None:
        self.settings = settings or AgentSettings()
        # What the simulator accepts and says; QuadSim accepts and says none of it.
        self.can_search = False  # places to look at
        self.takes_motion = False  # the target's motion
        self.extent: Extent | None = None  # of its world, where the target can be; None: it is not known
        self._tracker = Tracker(self.settings.max_missed_seconds, self.settings.switch_after_seconds)
        self._ranger = Ranger(self.settings)
        self._memory = AppearanceMemory()
        self._restorer = PictureRestorer()
        self._planner = SearchPlanner()
        self._time: float | None = None  # of the last frame
        self._marker_id = 0  # one id from finding a target to its loss, counted from 1

    def network_picture(self, frame: Frame) -> np.ndarray:
        """Return a frame's picture as the network is to see it: (height, width, 3) uint8 RGB, without haze, and bright.

        Call it once for each frame, before `step`. Errors of decoding the picture leave the agent as it was.
        """
        return self._restorer.restore(frame) if self.settings.restore_pictures else frame.image

    def step(self, frame: Frame, probabilities: np.ndarray, typical_fraction: float = TYPICAL_FRACTION) -> Decision:
        """Decide on one frame; `probabilities` (rows, columns, 3) float32 at the network's resolution.

        `typical_fraction` of a target in plain view is classified as target by the network, see `log_odds`.

        While the target is visible, each frame sends its filtered position. While it is missed briefly nothing is sent:
        the simulator can extrapolate as well; `track_point` still has the extrapolation for viewers. A loss is reported
        once; simulators that take places to look at get one with each frame without a target.

        The depth image is decoded to measure a blob, to check a person where a missed one should be, without a target
        where the simulator takes places to look at, and until `depth_far` "auto" is settled; and by `network_picture`,
        twice a second and in haze.
        Errors (of decoding, of the shape of `probabilities`) leave the agent as it was before the frame.
        """
        before, looked_at = self._tracker.state, self._planner.place
        min_area = self.settings.min_area * (KEEP_AREA_RATIO if before is TargetState.FOUND else 1.0)
        blobs = find_blobs(probabilities, frame.image.shape[:2], self.settings.threshold, min_area)
        seconds = frame_seconds(frame.timestamp, self._time)
        camera = self._ranger.camera(frame, seconds)
        sightings = self._ranger.locate(frame, camera, blobs[:MAX_CANDIDATES], probabilities, seconds)
        if self._tracker.resumes(frame.timestamp):
            self._memory.doubt()
        depth_frame = frame if self._ranger.trusts_depth else None
        people = Silhouettes(depth_frame, probabilities, camera)
        clear = not self._restorer.hard_to_see
        evidence = FrameEvidence(people, self.settings.target_height, typical_fraction, clear)
        silhouettes = [people.of_blob(sighting.blob, sighting.measurement) for sighting in sightings]
        candidates = [self._candidate(frame, evidence, *pair) for pair in zip(sightings, silhouettes, strict=True)]
        searches = self.can_search and before is not TargetState.FOUND
        depth_image = people.depth_image if searches else None  # decoded now, as an error must come before changes
        hidden = self._planner.searched is not None and evidence.hides(self._planner.searched)
        index = self._tracker.step(frame.timestamp, candidates, evidence.at_predicted_position, self.can_search)
        if index is None and self.can_search and self._tracker.resumes(frame.timestamp):
            self._tracker.lose_target()  # the quad flew on without pictures: only a search finds it
        self._time = frame.timestamp
        if self.can_search:
            self._planner.extent = self.extent
            self._planner.step(seconds, self._tracker, camera, depth_image, hidden)
        else:
            self._planner.stop()
        self._doubt_memory()
        if index is None:
            return self._decide(before, looked_at)
        if self._tracker.evidence >= CERTAIN_LOG_ODDS:
            self._memory.add(appearance(frame.image, silhouettes[index], people.size), frame.timestamp, seconds)
        return self._decide(before, looked_at, sightings[index])

    def drop_target(self, frame: Frame) -> Decision:
        """Drop the target, if there is one, and decide on a frame without looking for another."""
        before, looked_at = self._tracker.state, self._planner.place
        self._ranger.camera(frame, frame_seconds(frame.timestamp, self._time))
        self._tracker.drop_target()
        self._memory.forget()
        self._planner.stop()
        self._time = frame.timestamp
        return self._decide(before, looked_at)

    def _candidate(self, frame: Frame, evidence: FrameEvidence, sighting: Sighting, person: Silhouette) -> Candidate:
        blob, measurement, doubtful = sighting
        shown = BlobEvidence(0.0, 0.0) if doubtful else evidence.for_blob(blob, measurement, person)
        log_odds = shown.log_odds
        if log_odds > 0 and self._memory.doubted:
            log_odds += self._memory.log_odds(appearance(frame.image, person, evidence.people.size), frame.timestamp)
        return Candidate(
            measurement.point,
            measurement.covariance,
            strength=min(measurement.area, MAX_PERSON_AREA) * blob.detection.confidence,
            log_odds=log_odds,
            can_start=blob.reference_area >= self.settings.min_area,
            by_silhouette=shown.log_odds,
            forgivable=shown.forgivable,
            reliable=shown.reliable,
            distant=self.can_search and measurement.range.metres > CLOSE_RANGE,
        )

    def _doubt_memory(self) -> None:
        """Forget the appearance of a person who proved not to be the target; compare each candidate after a loss."""
        lost = self._tracker.state is TargetState.LOST
        if (self._tracker.switched or self._tracker.disproved) and not self._memory.doubted:
            self._memory.forget()
        elif lost:
            self._memory.doubt()

    def _decide(self, before: TargetState, looked_at: np.ndarray | None, seen: Sighting | None = None) -> Decision:
        """Return the decision on a frame; `seen` is the target in it. `before`, `looked_at` are of the frame before."""
        state, track = self._tracker.state, self._tracker.track
        if state is TargetState.FOUND and before is not TargetState.FOUND:
            self._marker_id = (self._marker_id + 1) % MARKER_IDS
        track_point = None if track is None else point_of(track.point)
        commands: tuple[Command, ...] = ()
        if track is not None and seen is not None:
            commands = commands_to_follow(track, self.settings, self._marker_id, self.takes_motion)
        elif state is not TargetState.FOUND:
            commands = self._lost_commands(before, looked_at)
        decision = Decision(state, state is not before, commands, track_point=track_point)
        if seen is None:
            return decision
        blob, measured, _ = seen
        return replace(decision, detection=blob.detection, range=measured.range, world_point=point_of(measured.point))

    def _lost_commands(self, before: TargetState, looked_at: np.ndarray | None) -> tuple[Command, ...]:
        """Return the commands of a frame without a target: one report of its loss, and places to look at."""
        place = self._planner.place
        commands: tuple[Command, ...] = ()
        if before is TargetState.FOUND or place is not None or looked_at is not None:
            commands = (ObjectLost(None if place is None else point_of(place)),)
        if before is TargetState.FOUND and self.settings.marker:
            commands = (*commands, DeleteMarker(self._marker_id))
        return commands
