"""Replay of a recording: the same bridge decides the same, and differences of another one are found."""

import dataclasses
import json
import math
import re
import shutil
import socket
import threading
import time
from base64 import b64encode
from hashlib import sha1
from pathlib import Path

import pytest

from dataset.recordings.frame_record import read_frame_records
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import open_recording
from follower.agent import FollowAgent
from follower.settings import AgentSettings
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.replay.__main__ import main, payload_of, play
from sim_bridge.replay.check import check, comparable_frames, compare
from sim_bridge.replay.client import Answer, ReplayClient, ReplayError
from sim_bridge.replay.follower_process import started_follower
from sim_bridge.settings import RecordingSettings
from tests.ipv6 import needs_ipv6
from tests.walk import FRAMES, RedSegmenter, make_frame, record, target_at

WALK = Path(__file__).parents[1] / "dataset" / "recordings" / "walk"
REMAKE = "if the agent has changed for the better, remake it: python -m tests.walk tests/dataset/recordings"


def replayed(serve, recording, make_agent=FollowAgent, real=False):
    server = serve(RedSegmenter(), make_agent)
    with ReplayClient("127.0.0.1", server.port) as client:
        return play(recording, client, recording.frames, real=real)


def test_recorded_walk_is_decided_as_recorded(serve):
    recording = open_recording(WALK)
    assert len(recording.frames) == FRAMES
    compared, differences = check(recording.frames, replayed(serve, recording), metres=0.1)
    assert compared == FRAMES
    assert not differences, f"{differences[:3]}; {REMAKE}"


@pytest.mark.parametrize(("search", "motion"), [(True, True), (True, False), (False, False)])
def test_a_simulator_gets_only_what_it_takes_and_its_recording_replays_so(serve, tmp_path, search, motion):
    info = {"seed": 1, "people": 2, "search": search, "motion": motion}
    recording = open_recording(record(tmp_path, "searched", info=info))
    commands = [command for frame in recording.frames for command in frame.commands]
    detections = [body for event, body in commands if event == "object_detected"]
    assert {tuple(body) for body in detections} == {("coords", "velocity", "time") if motion else ("coords",)}
    losses = [body for event, body in commands if event == "object_lost"]
    if search:
        assert len(losses) >= 4  # out of sight in nine frames, and lost after six of them
        x, y, _ = losses[0]["coords"]
        true_x, true_y = target_at(17)
        assert math.hypot(x - true_x, y - true_y) < 3.0  # it walks a curve
    else:
        assert losses == [{}]
    compared, differences = check(recording.frames, replayed(serve, recording), metres=0.1)
    assert compared == FRAMES
    assert not differences


def test_a_replay_says_again_where_people_walk(serve, tmp_path):
    info = {"seed": 1, "people": 2, "search": True, "extent": [-9.0, -8.0, 70, 60.5]}
    recording = open_recording(record(tmp_path, "walk", range(3), info))
    agents = []
    server = serve(RedSegmenter(), lambda: agents.append(FollowAgent()) or agents[-1])
    with ReplayClient("127.0.0.1", server.port) as client:
        play(recording, client, recording.frames)
    assert agents[0].extent == (-9.0, -8.0, 70.0, 60.5)


def test_a_replay_of_a_simulator_that_takes_nothing_announces_nothing(serve, tmp_path):
    """As with `--like-quadsim`."""
    info = {"seed": 1, "people": 2, "extent": [-9.0, -8.0, 70, 60.5]}
    recording = open_recording(record(tmp_path, "walk", range(3), info))
    server = serve(RedSegmenter())
    with ReplayClient("127.0.0.1", server.port) as client:
        play(recording, client, recording.frames)
        assert server.sessions[0].simulator_info is None


def test_recorded_walk_is_where_the_target_was():
    """Compare with the arithmetic that made the frames: the recorded decisions are themselves right."""
    seen = [
        frame for frame in open_recording(WALK).frames if frame.commands and frame.commands[0][0] == "object_detected"
    ]
    assert len(seen) > FRAMES / 2
    for frame in seen:
        x, y, _ = frame.commands[0][1]["coords"]
        true_x, true_y = target_at(frame.number)
        assert abs(x - true_x) < 1.0
        assert abs(y - true_y) < 1.0


def test_different_agent_is_detected(serve):
    recording = open_recording(WALK)
    answers = replayed(serve, recording, lambda: FollowAgent(AgentSettings(depth_far=90.0)))
    _, differences = check(recording.frames, answers, metres=0.1)
    assert len(differences) > FRAMES / 2
    assert "object_detected coords" in str(differences[0])
    answers = replayed(serve, recording, lambda: FollowAgent(AgentSettings(max_missed_seconds=0.6)))
    _, differences = check(recording.frames, answers, metres=0.1)
    assert "recorded nothing, now object_lost, delete_marker" in str(differences[0])


def test_replayed_frame_has_the_original_numbers_and_bytes():
    recording = open_recording(WALK)
    for frame in recording.frames[:3]:
        sent, again = make_frame(frame.number), payload_of(recording, frame)
        assert again["rgb_image"] == sent["rgb_image"]
        assert again["depth_image"] == sent["depth_image"]
        for key in ("timestamp", "pose", "gimbal_pose"):
            assert [float(number) for number in again[key].split(",")] == [float(n) for n in sent[key].split(",")]


def test_real_pace_takes_as_long_as_the_flight(serve, tmp_path):
    shutil.copytree(WALK, tmp_path / "walk")
    records = read_frame_records(tmp_path / "walk")[0][:6]
    paced = [dataclasses.replace(frame, received=1e9 + frame.number * 0.1) for frame in records]
    (tmp_path / "walk" / "frames.jsonl").write_bytes(b"".join(frame.to_line() for frame in paced))
    began = time.monotonic()
    answers = replayed(serve, open_recording(tmp_path / "walk"), real=True)
    assert 0.5 <= time.monotonic() - began < 10  # a busy machine may not keep up
    assert [answer.outcome for answer in answers] == ["answered"] * 6


def test_frames_after_a_gap_are_not_compared(serve, tmp_path):
    recording = open_recording(record(tmp_path, "gaps", range(8), filter=("far",), far_metres=11.5, far_pixels=1))
    assert 0 < len(recording.frames) < 8
    assert comparable_frames(recording.frames) == 0
    compared, differences = check(recording.frames, replayed(serve, recording), metres=0.1)
    assert (compared, differences) == (0, [])
    compared, _ = check(recording.frames, replayed(serve, recording), metres=0.1, everything=True)
    assert compared == len(recording.frames)


def test_check_ends_at_an_operator_override(serve, tmp_path, connect, eventually, capsys):
    recorder = Recorder(RecordingSettings(True, "overridden", str(tmp_path), min_free_gigabytes=0))
    server = serve(RedSegmenter(), FollowAgent, subscribers=[recorder])
    client = connect(server.port)
    for number in range(12):
        for session in server.sessions:
            session.controls.paused = 5 <= number < 9
        client.send_frame(make_frame(number), str(number))
        assert eventually(lambda number=number: number in client.acknowledged)
    server.close()
    recorder.close()
    recording = open_recording(tmp_path / "overridden")
    assert [frame.number for frame in recording.frames if frame.operator_override] == [5, 6, 7, 8]
    assert comparable_frames(recording.frames) == 5
    server = serve(RedSegmenter(), FollowAgent)
    assert main([str(recording.path), "--port", str(server.port), "--check"]) == 0
    said = "all 5 decisions are as recorded; 7 from an operator override on are not compared (use --all)"
    assert said in " ".join(capsys.readouterr().out.split())


def test_started_follower_has_the_recorded_settings(replace_follower, tmp_path):
    replace_follower(
        "import json, pathlib, sys, time\n"
        f"pathlib.Path({str(tmp_path / 'given')!r}).write_text(json.dumps(sys.argv))\n"
        "print('waiting for QuadSim on ws://127.0.0.1:1', flush=True)\n"
        "time.sleep(60)\n"
    )
    recording = shutil.copytree(WALK, tmp_path / "walk")
    settings = {
        "agent": {"threshold": 0.7},
        "bridge": {"frame_size": 128, "port": 4567},
        "recording": {"enabled": True},
    }
    (recording / "meta.json").write_text(json.dumps({"settings": settings}))
    assert main([str(recording), "--weights", "any.h5"]) == 2
    given = json.loads((tmp_path / "given").read_text())
    changes = [given[place + 1] for place, word in enumerate(given) if word == "--set"]
    assert changes == ["agent.threshold=0.7", "bridge.frame_size=128", "recording.enabled=false"]


DETECTED = {"coords": [1.0, 2.0, 3.0], "velocity": [0.5, 0.0, 0.0], "time": 1500000000.2}


@pytest.mark.parametrize(
    ("commands", "difference"),
    [
        ([("object_detected", {**DETECTED, "coords": [1.05, 2, 3]})], None),
        ([("object_detected", {**DETECTED, "coords": [1.2, 2, 3]})], "coords"),
        ([("object_detected", {**DETECTED, "velocity": [0.5, 0.05, 0]})], None),
        ([("object_detected", {**DETECTED, "velocity": [0.5, 0.2, 0]})], "velocity"),
        ([("object_detected", {**DETECTED, "time": 1500000000.3})], "time"),
        ([("object_lost", {})], "recorded object_detected, now object_lost"),
        ([], "now nothing"),
        ([("object_detected", {**DETECTED, "coords": [1, 2]})], "coords"),
        ([("object_detected", {})], "coords"),
    ],
)
def test_tolerances(commands, difference):
    frame = open_recording(WALK).frames[0]
    frame = dataclasses.replace(frame, commands=(("object_detected", DETECTED),))
    found = compare(frame, Answer("answered", tuple(commands), 0.0), metres=0.1)
    assert (found is None) if difference is None else difference in str(found)
    assert "skipped" in str(compare(frame, Answer("skipped", (), 0.0), metres=0.1))


def test_command_prints_the_result(serve, capsys):
    server = serve(RedSegmenter(), FollowAgent)
    assert main([str(WALK), "--port", str(server.port), "--check"]) == 0
    assert f"all {FRAMES} decisions are as recorded" in capsys.readouterr().out
    other = serve(RedSegmenter(), lambda: FollowAgent(AgentSettings(marker=False)))
    assert main([str(WALK), "--port", str(other.port), "--check"]) == 1
    assert "decisions differ" in capsys.readouterr().out


def test_recording_that_cannot_be_replayed_is_reported(tmp_path, capsys):
    assert main([str(tmp_path / "absent")]) == 2
    assert "expected a recording" in capsys.readouterr().err
    assert main([str(WALK), "--port", "1"]) == 2
    assert "start python follower.py first" in capsys.readouterr().err
    shutil.copytree(WALK, tmp_path / "imported")
    frames = [dataclasses.replace(frame, pose=None) for frame in read_frame_records(WALK)[0]]
    (tmp_path / "imported" / "frames.jsonl").write_bytes(b"".join(frame.to_line() for frame in frames))
    assert main([str(tmp_path / "imported")]) == 2
    assert "imported, without poses" in capsys.readouterr().err
    shutil.copytree(WALK, tmp_path / "shared", ignore=shutil.ignore_patterns("depth"))
    assert main([str(tmp_path / "shared")]) == 2
    said = "shared cannot be replayed: it has no depth images: it was imported, or copied without depth/; replay the"
    assert said in capsys.readouterr().err
    with pytest.raises(RecordingError, match="no recording"):
        open_recording(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weights", "any.h5", "--host", "127.0.0.1"], "at an address of its own: leave out --host and --port"),
        (["--weights", "any.h5", "--port", "4567"], "at an address of its own: leave out --host and --port"),
        (["--metres", "0.1"], "add --check"),
        (["--all"], "add --check"),
    ],
)
def test_options_that_would_do_nothing_are_refused(options, message, capsys):
    with pytest.raises(SystemExit) as refused:
        main([str(WALK), *options])
    assert refused.value.code == 2
    assert message in capsys.readouterr().err


def test_a_name_in_brackets_is_shown_as_it_is(serve, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # progress is shown in terminals only
    recording = shutil.copytree(WALK, tmp_path / "walk [old]")
    assert main([str(recording), "--port", str(serve(RedSegmenter(), FollowAgent).port)]) == 0
    assert "replaying walk [old]" in capsys.readouterr().out


def test_proxy_of_the_environment_is_not_used(serve, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    ReplayClient("127.0.0.1", serve().port).close()


def test_lost_bridge_is_reported(serve, eventually):
    server = serve(RedSegmenter(), FollowAgent)
    with ReplayClient("127.0.0.1", server.port) as client:
        client.wait(client.send(make_frame(0)), 5)
        server.close()
        assert eventually(lambda: not server.sessions)
        with pytest.raises(ReplayError, match=r"gone|closed"):
            client.wait(client.send(make_frame(1)), 2)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", None], ids=["no", "other"])
def test_a_connection_to_another_program_is_closed(answer):
    """One that is no websocket, and a websocket that closes without opening a session."""
    ended = []

    def be_another_program():
        connection, _ = listener.accept()
        with connection:
            request = connection.recv(4096).decode()
            if answer is None:
                key = re.search(r"Sec-WebSocket-Key: (\S+)", request)[1]
                accept = b64encode(sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
                head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                connection.sendall(f"{head}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode() + b"\x81\x00")
            else:
                connection.sendall(answer)
            connection.settimeout(5)
            while part := connection.recv(4096):
                assert part
            ended.append(True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = threading.Thread(target=be_another_program)
        program.start()
        with pytest.raises(ReplayError, match=r"no bridge answers|does not open a session") as raised:
            ReplayClient("127.0.0.1", listener.getsockname()[1])
        program.join(8)
    assert ended, raised.value  # while the error, and all that it refers to, still exists


@pytest.fixture
def replace_follower(tmp_path, monkeypatch):
    """Start another program in place of the follower."""

    def do(program):
        script = tmp_path / "program.py"
        script.write_text(program)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr("sim_bridge.replay.follower_process.FOLLOWER", script.stem)

    return do


def test_follower_that_never_listens_times_out(replace_follower, monkeypatch, capsys):
    monkeypatch.setattr("sim_bridge.replay.follower_process.START_SECONDS", 0.5)
    replace_follower("import time; print('loading', flush=True); time.sleep(60)")
    began = time.monotonic()
    assert main([str(WALK), "--weights", "any.h5"]) == 2
    assert time.monotonic() - began < 20
    assert "the follower did not begin to listen within 0.5 s" in capsys.readouterr().err


def test_follower_that_ends_at_once_is_reported(replace_follower, capsys):
    replace_follower("raise SystemExit(2)")
    assert main([str(WALK), "--weights", "any.h5"]) == 2
    assert "the follower ended before it listened, with status 2" in capsys.readouterr().err


def test_output_of_the_follower_is_read_to_its_end(replace_follower, tmp_path, eventually):
    all_printed = tmp_path / "printed"
    replace_follower(
        "import pathlib, time\n"
        "print('waiting for QuadSim on ws://127.0.0.1:4000', flush=True)\n"
        "for _ in range(5000):\n"
        "    print('status' * 20, flush=True)\n"  # 600 KB; a pipe holds 64
        f"pathlib.Path({str(all_printed)!r}).touch()\n"
        "time.sleep(60)\n"
    )
    with started_follower("any.h5", {}) as address:
        assert address == ("127.0.0.1", 4000)
        assert eventually(all_printed.exists)


def test_concurrent_replays_do_not_mix(serve):
    server = serve(RedSegmenter(), FollowAgent)
    recording = open_recording(WALK)
    with ReplayClient("127.0.0.1", server.port) as one, ReplayClient("127.0.0.1", server.port) as two:
        for frame in recording.frames[:10]:
            numbers = [client.send(payload_of(recording, frame)) for client in (one, two)]
            answers = [client.wait(number, 5) for client, number in zip((one, two), numbers, strict=True)]
            assert [compare(frame, answer, 0.1) for answer in answers] == [None, None]
    assert json.loads((WALK / "meta.json").read_text())["frames"] == FRAMES


@needs_ipv6
def test_a_bridge_at_an_address_of_ipv6_is_reached(serve):
    port = serve(host="::1").port
    ReplayClient("::1", port).close()
