"""This project's agent, and the same perception without memory."""

from follower.agent import FollowAgent
from follower.detection import find_blobs
from follower.geometry import Camera
from follower.ranging import locate
from follower.restoration.restorer import PictureRestorer
from follower.settings import AgentSettings
from follower.timing import frame_seconds
from gym_follow.agents.frames import action_of, frame_of, probabilities_of, typical_fraction_of
from gym_follow.report import Action, Info, Observation, detected, lost, nothing
from simulator.geometry import FAR


class OurAgent:
    """`FollowAgent` with the network `weights`; without them, with ground-truth masks."""

    def __init__(self, weights: str | None) -> None:
        self._agent, self._weights = FollowAgent(AgentSettings(marker=False)), weights
        self._agent.can_search = self._agent.takes_motion = True

    def act(self, observation: Observation, info: Info) -> Action:
        """Return what the agent decides on one frame."""
        frame = frame_of(observation)
        probabilities = probabilities_of(observation, self._weights, self._agent.network_picture(frame))
        self._agent.extent = tuple(observation["extent"].tolist())
        decision = self._agent.step(frame, probabilities, typical_fraction_of(self._weights))
        return action_of(decision.commands)


class NoMemoryAgent:
    """The same network, blobs, geometry and ranges, but each frame by itself: the largest blob is the target.

    Nothing is filtered, no evidence accumulates, and nobody is known from before. Only how long the target has been
    missed is counted, for reporting it lost.
    """

    def __init__(self, weights: str | None) -> None:
        self._weights, self._settings, self._restorer = weights, AgentSettings(), PictureRestorer()
        self._missed: float | None = None  # seconds; None: not found
        self._time: float | None = None  # of the last frame

    def act(self, observation: Observation, info: Info) -> Action:
        """Return the position of the largest blob."""
        frame, settings = frame_of(observation), self._settings
        seconds, self._time = frame_seconds(frame.timestamp, self._time), frame.timestamp
        probabilities = probabilities_of(observation, self._weights, self._restorer.restore(frame))
        blobs = find_blobs(probabilities, frame.image.shape[:2], settings.threshold, settings.min_area)
        camera = Camera(frame.gimbal_pose, frame.image.shape[:2], settings.vertical_fov, FAR)
        measured = locate(blobs[0].detection, frame.depth_image, camera, settings.target_height) if blobs else None
        if measured is not None:
            self._missed = 0.0
            return detected(measured.point)
        if self._missed is None:
            return nothing()
        self._missed += seconds
        if self._missed < settings.max_missed_seconds - seconds / 2:
            return nothing()
        self._missed = None
        return lost()
