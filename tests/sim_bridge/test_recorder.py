"""Contents of a recording: bytes as received, masks, decisions; starts and stops; a disk that is slow or full."""

import base64
import errno
import json
import shutil
import threading
import time

import cv2
import numpy as np
import pytest

from dataset.pairs import find_pairs, read_pair
from dataset.recordings.frame_record import read_frame_records
from dataset.recordings.layout import read_meta
from dataset.recordings.writer import RecordingWriter
from follower.agent import FollowAgent
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.settings import RecordingSettings
from sim_bridge.wire.messages import parse_sensor_frame
from tests.bridge_fixtures import make_session, processed_frame


class DetectsABlob:
    """Network that confidently detects the target as a square, and a person beside it, at 64x64."""

    typical_fraction = 0.95

    target = (slice(30, 40), slice(20, 24))

    def predict(self, images):
        probabilities = np.zeros((len(images), 64, 64, 3), np.float32)
        probabilities[..., 0] = 1
        probabilities[:, 30:40, 50:60] = (0, 1, 0)
        probabilities[(slice(None), *self.target)] = (0.05, 0.0, 0.95)
        return probabilities


@pytest.fixture
def record(tmp_path, serve):
    """Start a bridge that records to tmp_path/recordings."""
    recorders = []

    def start(segmenter=None, make_agent=FollowAgent, report=lambda sentence: None, **settings):
        settings = {"enabled": True, "folder": str(tmp_path / "recordings"), "name": "flight"} | settings
        recorder = Recorder(RecordingSettings(**settings), {"model": {"name": "blob"}}, report)
        recorders.append(recorder)
        return recorder, serve(segmenter or DetectsABlob(), make_agent, subscribers=[recorder])

    yield start
    for recorder in recorders:
        recorder.close()


@pytest.fixture
def fly(connect, eventually, record, payload):
    """Fly frames in lockstep through a recording bridge, and close it."""

    def run(payloads, **settings):
        recorder, server = record(**settings)
        client = connect(server.port)
        for number, frame in enumerate(payloads):
            client.send(f"42{number}" + json.dumps(["sensor_frame", frame]))
            assert eventually(lambda number=number: number in client.acknowledged)
        client.send("41")
        client.send("1")
        assert eventually(lambda: not server.sessions)
        server.close()
        recorder.close()
        return recorder

    return run


def ground_truth(label: int) -> str:
    """Return a ground-truth mask of one class, as the built-in simulator sends it."""
    bgr = np.zeros((256, 256, 3), np.uint8)
    bgr[..., 2 - label] = 255
    return base64.b64encode(cv2.imencode(".png", bgr)[1].tobytes()).decode()


def test_recording_has_what_was_received_and_decided(fly, payload, tmp_path):
    # A depth of 10 m, at which the blob is as high as a person, and as wide.
    payloads = [payload(timestamp=10 + number / 5, brightness=50 + number, depth=25) for number in range(5)]
    fly(payloads)
    recording = tmp_path / "recordings" / "flight"
    records, broken = read_frame_records(recording)
    assert not broken
    assert [record.frame for record in records] == [f"{number:06d}" for number in range(5)]
    for record, sent in zip(records, payloads, strict=True):
        assert (recording / "images" / record.image).read_bytes() == base64.b64decode(sent["rgb_image"])
        assert (recording / "depth" / f"{record.frame}.png").read_bytes() == base64.b64decode(sent["depth_image"])
        assert record.timestamp == float(sent["timestamp"])
        assert ",".join(f"{value:.4f}" for value in record.gimbal_pose) == sent["gimbal_pose"]
        assert record.state == "found"
        assert record.detection.centroid == pytest.approx((139.5, 87.5))  # rows 120..159, columns 80..95
        assert record.range.metres > 0
        assert [name for name, _ in record.commands] == ["object_detected", "create_box_marker"]
        assert record.commands[0][1] == {"coords": list(record.track_point)}
        assert record.label_source == "model"
        assert record.hero_pixels == 40 * 16
        assert record.people_pixels == 40 * 40
        assert set(record.timings) >= {"wait", "decode", "network", "agent", "total"}
    meta = read_meta(recording)
    assert meta["model"] == {"name": "blob"}
    assert meta["frames"] == 5
    assert meta["labels"] == {"model": 5}
    assert meta["started"] <= meta["ended"]
    assert meta["dropped"] == {}


def test_the_built_in_simulators_world_is_in_the_metadata(connect, eventually, record, payload, tmp_path):
    recorder, server = record()
    info = {"seed": 3, "people": 120, "speed": 2.0, "difficulty": "crowd", "difficulties": ["plain", "crowd"]}
    simulators = [connect(server.port) for _ in range(2)]
    simulators[0].send("42" + json.dumps(["simulator_info", info]))
    for number, simulator in enumerate(simulators):
        simulator.send_frame(payload(timestamp=1), str(number))
        assert eventually(lambda simulator=simulator, number=number: number in simulator.acknowledged)
    server.close()
    recorder.close()
    metas = [read_meta(path)["simulator"] for path in sorted((tmp_path / "recordings").iterdir())]
    worlds = [meta.get("world") for meta in sorted(metas, key=lambda meta: meta["name"])]
    assert worlds == [{"seed": 3, "people": 120, "difficulty": "crowd"}, None]  # QuadSim does not say what its is


def test_recording_is_a_dataset(fly, payload, tmp_path):
    fly([payload(timestamp=number, brightness=90) for number in range(3)])
    pairs, problems = find_pairs(tmp_path / "recordings")
    assert not problems
    assert len(pairs) == 3
    image, labels = read_pair(pairs[0])
    assert image.shape == (256, 256, 3)
    expected = np.zeros((256, 256), np.uint8)
    expected[120:160, 200:240] = 1
    expected[120:160, 80:96] = 2
    np.testing.assert_array_equal(labels, expected)


def test_ground_truth_takes_precedence_over_the_models_mask(fly, payload, tmp_path):
    with_ground_truth = payload(timestamp=1) | {
        "ground_truth_mask": ground_truth(1),
        "ground_truth_target": "1.5,2.5,0",
    }
    broken = payload(timestamp=2) | {"ground_truth_mask": base64.b64encode(b"no mask").decode()}
    fly([with_ground_truth, broken])
    recording = tmp_path / "recordings" / "flight"
    first, second = read_frame_records(recording)[0]
    assert (recording / "masks" / "000000.png").read_bytes() == base64.b64decode(with_ground_truth["ground_truth_mask"])
    assert (first.label_source, first.hero_pixels, first.people_pixels) == ("simulator", 0, 256 * 256)
    assert first.ground_truth_target == (1.5, 2.5, 0.0)
    assert second.label_source == "model"


def test_two_simulators_get_two_recordings(record, connect, payload, eventually, tmp_path):
    recorder, server = record()
    clients = [connect(server.port) for _ in range(2)]
    for client in clients:
        client.send("420" + json.dumps(["sensor_frame", payload()]))
    assert eventually(lambda: all(client.acknowledged for client in clients))
    server.close()
    recorder.close()
    assert sorted(recording.name for recording in (tmp_path / "recordings").iterdir()) == ["flight", "flight-2"]
    assert all(len(read_frame_records(recording)[0]) == 1 for recording in (tmp_path / "recordings").iterdir())


def test_start_and_stop_during_a_flight(record, payload, eventually, tmp_path):
    recorder, _ = record(enabled=False)
    session, frame = make_session(), processed_frame(frame=parse_sensor_frame((payload(),)))
    recorder.frame_processed(session, frame)
    assert recorder.start("first") == "first"
    recorder.frame_processed(session, frame)
    recorder.toggle()
    recorder.frame_processed(session, frame)
    assert eventually(lambda: (tmp_path / "recordings" / "first").is_dir())
    assert recorder.start("first") == "first-2"
    recorder.frame_processed(session, frame)
    assert recorder.status()["recording"]
    recorder.close()
    recordings = {
        recording.name: [record.number for record in read_frame_records(recording)[0]]
        for recording in (tmp_path / "recordings").iterdir()
    }
    assert recordings == {"first": [1], "first-2": [3]}
    with pytest.raises(ValueError, match="letters"):
        recorder.start("../elsewhere")


def test_toggle_uses_the_name_of_the_settings(record, tmp_path):
    recorder, _ = record(enabled=False, name="meadow")
    recorder.toggle()
    assert recorder.status()["name"] == "meadow"


def test_name_that_is_taken_gets_a_number(record, connect, payload, eventually, tmp_path):
    reported = []
    recorder, server = record(enabled=False, report=reported.append)
    (tmp_path / "recordings" / "meadow").mkdir(parents=True)
    recorder.start("meadow")
    assert reported == [f"recording to {tmp_path / 'recordings' / 'meadow-2'}"]
    assert recorder.status()["name"] == "meadow-2"
    (tmp_path / "recordings" / "meadow-2").mkdir()
    connect(server.port).send_frame(payload())
    assert eventually(lambda: recorder.status()["frames"])
    assert recorder.status()["name"] == "meadow-3"


def test_report_may_call_the_recorder(record):
    asked = []

    def report(sentence):
        other = threading.Thread(target=lambda: asked.append(recorder.start("again")))
        other.start()
        other.join(5)

    recorder, _ = record(enabled=False, report=report)
    recorder.start("first")
    assert asked == ["first"]


@pytest.mark.slow
def test_slow_disk_drops_frames_of_the_recording_and_does_not_delay_the_flight(fly, payload, tmp_path, monkeypatch):
    slow = threading.Event()
    add = RecordingWriter.add
    monkeypatch.setattr(RecordingWriter, "add", lambda *arguments: (slow.wait(20), add(*arguments)))
    payloads = [payload(timestamp=number) for number in range(12)]
    threading.Timer(3.0, slow.set).start()  # all frames are answered long before
    began = time.monotonic()
    recorder = fly(payloads, queue_frames=4)
    assert time.monotonic() - began < 20
    kept = len(read_frame_records(tmp_path / "recordings" / "flight")[0])
    assert kept <= 5  # one being written, four waiting
    assert recorder.status()["dropped"] == {"the disk was too slow": 12 - kept}
    assert read_meta(tmp_path / "recordings" / "flight")["dropped"] == {"the disk was too slow": 12 - kept}


def test_a_note_waits_for_a_frame_that_there_is_room_for(payload, eventually, tmp_path, monkeypatch):
    slow = threading.Event()
    add = RecordingWriter.add
    monkeypatch.setattr(RecordingWriter, "add", lambda *arguments: (slow.wait(20), add(*arguments)))
    settings = RecordingSettings(enabled=True, folder=str(tmp_path), name="flight", queue_frames=1)
    session, frame = make_session(), processed_frame(frame=parse_sensor_frame((payload(),)))
    with Recorder(settings) as recorder:
        recorder.frame_processed(session, frame)
        recorder.mark("here")
        recorder.frame_processed(session, frame)
        assert recorder.status()["dropped"] == {"the disk was too slow": 1}
        slow.set()
        assert eventually(lambda: recorder.frame_processed(session, frame) or recorder.status()["frames"] > 2)
    notes = [record.note for record in read_frame_records(tmp_path / "flight")[0]]
    assert notes[:2] == ["", "here"]
    assert not any(notes[2:])


def test_a_note_is_of_the_recording_in_which_it_was_made(payload, tmp_path):
    session, frame = make_session(), processed_frame(frame=parse_sensor_frame((payload(),)))
    with Recorder(RecordingSettings(folder=str(tmp_path))) as recorder:
        recorder.start("first")
        recorder.frame_processed(session, frame)
        recorder.mark("here")
        recorder.stop()
        recorder.start("second")
        recorder.frame_processed(session, frame)
    assert [record.note for record in read_frame_records(tmp_path / "second")[0]] == [""]


def test_full_disk_drops_frames_and_leaves_nothing_half_written(fly, payload, tmp_path, monkeypatch):
    monkeypatch.setattr("sim_bridge.recorder.recording_session.DISK_PAUSE", 0.0)
    import os

    write, calls = os.write, []

    def full(handle, data):
        calls.append(data)
        if len(calls) in (2, 3):  # half a line, then the end
            write(handle, data[:20])
            raise OSError(errno.ENOSPC, "no space left on device")
        return write(handle, data)

    monkeypatch.setattr("dataset.recordings.writer.os.write", full)
    recorder = fly([payload(timestamp=number) for number in range(6)])
    recording = tmp_path / "recordings" / "flight"
    records, broken = read_frame_records(recording)
    assert not broken
    assert [record.number for record in records] == [0, 3, 4, 5]
    assert len(list((recording / "images").iterdir())) == 4
    assert recorder.status()["dropped"] == {"the disk refused": 2}


def move(recording):
    recording.rename(recording.with_name("kept"))


@pytest.mark.parametrize("remove", [shutil.rmtree, lambda recording: shutil.rmtree(recording / "images"), move])
def test_a_recording_that_is_removed_goes_on_in_another_one(record, payload, eventually, tmp_path, remove):
    recorder, _ = record()
    session = make_session()
    for number in range(5):
        recorder.frame_processed(session, processed_frame(frame=parse_sensor_frame((payload(timestamp=number),))))
        assert eventually(lambda number=number: recorder.status()["frames"] > number)
        if number == 1:
            remove(tmp_path / "recordings" / "flight")
    name = recorder.status()["name"]
    recorder.close()
    records, _ = read_frame_records(tmp_path / "recordings" / name)
    assert [record.number for record in records] == [2, 3, 4]
    assert read_meta(tmp_path / "recordings" / name)["first_number"] == 2
    assert not recorder.status()["dropped"]


def test_recordings_that_are_removed_together_do_not_get_each_others_frames(record, payload, eventually, tmp_path):
    """The first to notice takes a name that the other one had."""
    recorder, _ = record()
    sessions = [make_session(number) for number in range(2)]
    written = 0

    def fly(session, brightness):
        nonlocal written
        frame = parse_sensor_frame((payload(timestamp=written, brightness=brightness),))
        recorder.frame_processed(session, processed_frame(frame=frame))
        written += 1
        assert eventually(lambda: recorder.status()["frames"] == written)

    for session in sessions:
        fly(session, 50)
    for recording in (tmp_path / "recordings").iterdir():
        shutil.rmtree(recording)
    for session, brightness in ((sessions[1], 150), (sessions[0], 50), (sessions[1], 150), (sessions[0], 50)):
        fly(session, brightness)
    recorder.close()
    recordings = sorted((tmp_path / "recordings").iterdir())
    assert [recording.name for recording in recordings] == ["flight", "flight-2"]
    for recording, brightness in zip(recordings, (150, 50), strict=True):
        assert read_meta(recording)["frames"] == 2
        for file in (recording / "images").iterdir():
            assert cv2.imread(str(file)).max() == pytest.approx(brightness, abs=5)


class DetectsABlobFrom(DetectsABlob):
    """The same, with nothing before the frame of that number."""

    typical_fraction = 0.95

    def __init__(self, first):
        self.first, self.seen = first, 0

    def predict(self, images):
        probabilities = super().predict(images)
        for index in range(len(images)):
            if self.seen < self.first:
                probabilities[index] = (1, 0, 0)
            self.seen += 1
        return probabilities


def test_every_held_back_frame_that_the_disk_refuses_is_counted(fly, payload, tmp_path, monkeypatch):
    monkeypatch.setattr("sim_bridge.recorder.recording_session.DISK_PAUSE", 0.0)
    add, refused = RecordingWriter.add, []

    def full(self, record, *files):
        if record.number == 1 and not refused:
            refused.append(record)
            raise OSError(errno.ENOSPC, "no space left on device")
        add(self, record, *files)

    monkeypatch.setattr(RecordingWriter, "add", full)
    payloads = [payload(timestamp=number, depth=25) for number in range(8)]
    recorder = fly(payloads, segmenter=DetectsABlobFrom(5), filter=("events",), seconds_around=5.0)  # found in 5
    recording = tmp_path / "recordings" / "flight"
    assert [record.number for record in read_frame_records(recording)[0]] == [0, 6, 7]
    assert read_meta(recording)["dropped"] == recorder.status()["dropped"] == {"the disk refused": 5}


def test_frames_refused_before_the_folder_was_made_are_counted(fly, payload, tmp_path, monkeypatch):
    monkeypatch.setattr("sim_bridge.recorder.recording_session.DISK_PAUSE", 0.0)
    make, tries = RecordingWriter.__init__, []

    def full(self, *arguments):
        tries.append(arguments)
        if len(tries) <= 2:
            raise OSError(errno.ENOSPC, "no space left on device")
        make(self, *arguments)

    monkeypatch.setattr(RecordingWriter, "__init__", full)
    fly([payload(timestamp=number) for number in range(4)])
    meta = read_meta(tmp_path / "recordings" / "flight")
    assert (meta["frames"], meta["first_number"], meta["dropped"]) == (2, 2, {"the disk refused": 2})


def test_no_recording_is_made_if_no_frame_passes_the_filter(record, connect, payload, eventually, tmp_path):
    reported = []
    recorder, server = record(filter=("far",), name="distant", report=reported.append)
    client = connect(server.port)
    frames = [payload(timestamp=1, depth=25), payload(timestamp=2, depth=25) | {"ground_truth_mask": ground_truth(0)}]
    for number, frame in enumerate(frames):  # 640 target pixels at 10 m, then none
        client.send(f"42{number}" + json.dumps(["sensor_frame", frame]))
        assert eventually(lambda number=number: number in client.acknowledged)
    assert recorder.status()["name"] == "distant"
    server.close()
    assert eventually(
        lambda: len(reported) > 1 or not server.sessions
    )  # the follower's end closes the connection first
    recorder.close()
    assert not list((tmp_path / "recordings").glob("*"))
    assert reported[1:] == ["recorded nothing of simulator 1, no frame passed the filter; the follower ended"]


def test_recording_ends_at_its_limit(fly, payload, tmp_path):
    recorder = fly([payload(timestamp=number) for number in range(20)], max_gigabytes=2e-5)
    recording = tmp_path / "recordings" / "flight"
    assert 1 < len(read_frame_records(recording)[0]) < 20
    assert "limit" in read_meta(recording)["end_reason"]
    assert not recorder.recording


def test_a_recording_ends_when_the_disk_is_nearly_full(fly, payload, tmp_path, monkeypatch):
    monkeypatch.setattr("sim_bridge.recorder.recording_session.DISK_CHECK", 0.0)
    usage, room = shutil.disk_usage(tmp_path), [10**12] * 3  # at the start, and for two frames

    def shrinking(folder):
        return usage._replace(free=room.pop() if room else 0)

    monkeypatch.setattr("sim_bridge.recorder.destination.shutil.disk_usage", shrinking)
    recorder = fly([payload(timestamp=number) for number in range(5)], min_free_gigabytes=1)
    meta = read_meta(tmp_path / "recordings" / "flight")
    assert (meta["frames"], meta["end_reason"]) == (2, "the disk has less than 1 GB left")
    assert not recorder.recording
