import dataclasses
import json
from pathlib import Path

from dataset.recordings.recording import open_recording
from dataset.recordings.statistics import is_wrong_target, statistics_of
from tests.walk import FRAMES, UNSEEN

WALK = Path(__file__).parent / "recordings" / "walk"


def test_statistics_of_the_walk():
    statistics = statistics_of(open_recording(WALK))
    assert statistics.frames == FRAMES
    assert statistics.not_recorded == 0
    assert sum(statistics.size_bands.values()) == statistics.visible == statistics.size.count == FRAMES - len(UNSEEN)
    assert statistics.range.least < 11
    assert statistics.range.most > 22  # it walks away
    assert statistics.wrong_target is None
    for distribution in (statistics.size, statistics.range, statistics.latency):
        assert sum(distribution.counts) == distribution.count > 0
        assert len(distribution.edges) == len(distribution.counts) + 1
        assert distribution.least <= distribution.median <= distribution.most
    assert json.loads(json.dumps(dataclasses.asdict(statistics)))["range"]["median"] == statistics.range.median
    thinned = dataclasses.replace(open_recording(WALK), frames=open_recording(WALK).frames[::3])
    assert statistics_of(thinned).not_recorded == FRAMES - len(thinned.frames) - 2  # none after the last


def test_statistics_of_selected_frames():
    recording = open_recording(WALK)
    statistics = statistics_of(recording, recording.names[: UNSEEN.start])
    assert statistics.frames == statistics.visible == UNSEEN.start
    assert (statistics.found, statistics.lost) == (1, 0)
    assert statistics_of(recording, []).range.median is None


def test_wrong_target_is_far_from_ground_truth():
    """5 m, or a quarter of the distance from camera to target."""
    recording = open_recording(WALK)
    camera, truth = {"pose": (0.0, 0.0, 6.0, 0.0, 0.0, 0.0), "gimbal_pose": None}, (40.0, 0.0, 0.0)
    base = dataclasses.replace(recording.frames[0], state="found", **camera, ground_truth_target=truth)
    errors = (0.0, 9.0, 11.0)
    frames = tuple(dataclasses.replace(base, track_point=(40.0, error, 0.0)) for error in errors)
    assert [is_wrong_target(frame) for frame in frames] == [False, False, True]
    near = dataclasses.replace(base, ground_truth_target=(8.0, 0.0, 0.0))
    assert not is_wrong_target(dataclasses.replace(near, track_point=(8.0, 4.9, 0.0)))
    assert is_wrong_target(dataclasses.replace(near, track_point=(8.0, 5.1, 0.0)))
    assert not is_wrong_target(dataclasses.replace(frames[2], state="lost"))
    assert statistics_of(dataclasses.replace(recording, frames=frames)).wrong_target == 1


def test_frame_size_scales_the_target():
    recording = open_recording(WALK)
    twice = dataclasses.replace(recording, meta=recording.meta | {"frame_size": [512, 512]})
    assert statistics_of(twice).size.most == statistics_of(recording).size.most / 4
    for nonsense in (None, "large", [0, 0], [256], ["256", "256"]):
        unknown = dataclasses.replace(recording, meta={"frame_size": nonsense})
        assert statistics_of(unknown).size == statistics_of(recording).size
