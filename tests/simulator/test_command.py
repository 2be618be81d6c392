"""The command as processes: output, exit status, interrupts."""

import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import ClassVar

import cv2
import numpy as np
import pytest

from simulator import command, several
from simulator.difficulty.levels import LEVELS

pytestmark = pytest.mark.simulator

FEW = ["--people", "5"]
QUICK = [*FEW, "--speed", "9"]


@pytest.fixture
def start():
    """Start the command; whatever still runs at the end of the test is killed."""
    running = []

    def popen(*options: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "simulator", *options]
        running.append(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # a Ctrl-C for it and its drones is none for the tests
            )
        )
        return running[-1]

    yield popen
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def run(start):
    def to_the_end(*options: str) -> tuple[int, str]:
        process = start(*options)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    return to_the_end


@pytest.mark.skipif(os.name == "nt", reason="a shell that closes the output's end first is Unix")
def test_a_flight_goes_on_silently_when_its_output_is_closed(raw_server):
    """As with `| head -1`."""
    command = [sys.executable, "-m", "simulator", *QUICK, "--port", str(raw_server.port), "--duration", "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert b"connected" in process.stdout.readline()
        process.stdout.close()
        for _ in range(2):  # it says each time that it has lost the server, and that it has another one
            raw_server.drop()
            assert raw_server.greeted.wait(60)
        raw_server.next_frame()
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, b"")


def test_a_flight_from_start_to_summary(run, raw_server, tmp_path):
    track = tmp_path / "track.jsonl"
    port = str(raw_server.port)
    status, output = run(*QUICK, "--port", port, "--duration", "2", "--ground-truth", "--log", str(track))
    assert status == 0, output
    assert "connected to ws://127.0.0.1" in output
    assert "frames" in output
    assert len(track.read_text(encoding="utf-8").splitlines()) == 10
    frame = raw_server.next_frame()
    assert {"ground_truth_mask", "ground_truth_target"} < set(frame)
    row = json.loads(track.read_text(encoding="utf-8").splitlines()[0])
    target = [float(number) for number in frame["ground_truth_target"].split(",")]
    assert [row["target"][axis] for axis in "xyz"] == pytest.approx(target, abs=1e-3)


def test_a_new_episode_is_another_city_and_another_connection(start, raw_server, tmp_path):
    track = tmp_path / "track.jsonl"
    process = start(*QUICK, "--port", str(raw_server.port), "--duration", "20", "--ground-truth", "--log", str(track))
    known = {"speed": 9, "difficulties": list(LEVELS), "search": True, "motion": True}
    known["extent"] = [-72.0, -72.0, 72.0, 72.0]
    assert raw_server.simulator_infos.get(timeout=90) == {"seed": 0, "people": 5, "difficulty": "plain", **known}
    raw_server.send('42["new_episode",{"seed":-1,"people":3}]')  # reported, and nothing else
    raw_server.send('42["new_episode",{"seed":1,"people":3,"difficulty":"crowd"}]')
    assert raw_server.simulator_infos.get(timeout=90) == {"seed": 1, "people": 3, "difficulty": "crowd", **known}
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 0, output
    assert "expected seed from 0" in " ".join(output.split())
    assert len(raw_server.heads) == 2
    rows = [json.loads(line) for line in track.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 100  # 20 s, whatever the number of episodes
    begins = [row for row in rows if row["time"] == 0]
    assert len(begins) == 2
    assert begins[0]["target"] != begins[1]["target"]


def test_pictures_instead_of_a_city(run, raw_server, tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((256, 256, 3), 80 * number, np.uint8))
    (tmp_path / "3.png").write_text("no picture")
    raw_server.answer = lambda frame: [f"43{frame['ack']}[{{}}]"]
    status, output = run("--speed", "9", "--port", str(raw_server.port), "--frames", str(tmp_path))
    assert status == 0, output
    assert re.search(r"frames +3\s", output)
    assert [raw_server.next_frame()["ack"] for _ in range(3)] == ["0", "1", "2"]  # none was sent before it connected


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--hz", "99"], "from 0.1 to 20"),
        (["--count", "0"], "from 1 to 32"),
        (["--host", "a..b"], "expected the name or the address of a machine, got 'a..b'"),
        (["--host", ""], "expected the name or the address of a machine, got ''"),
        (["--host", "localhost:4567"], "expected the name or the address of a machine"),
        (["--renderer", "crayons"], "invalid choice"),
        (["--log", ".", "--count", "2"], "--log: expected a file, but '.' is a folder"),
        (["--log", "", "--count", "2"], "--log: expected a file, but '' is a folder"),
        (["--frames", "x", "--ground-truth", "--seed", "3"], "instead of a city: leave out --seed, --ground-truth"),
        (["--frames", "x", "--like-quadsim"], "instead of a city: leave out --like-quadsim"),
        (["--lockstep", "--speed", "2"], "as the follower answers: leave out --speed"),
        (["--seed", str(2**31), "--count", "2"], f"--seed: with --count 2 expected at most {2**31 - 1}"),
    ],
)
def test_wrong_options_are_reported_and_the_status_is_2(capsys, options, reason):
    with pytest.raises(SystemExit) as ended:
        command.main(options)
    assert ended.value.code == 2
    assert reason in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "options",
    [
        ["--lockstep", "--like-quadsim", "--speed", "2"],  # frames keep to the wall clock: a faster one has fewer
        ["--frames", "x", "--hz", "9", "--speed", "2", "--duration", "9", "--count", "2", "--port", "9", "--window"],
    ],
)
def test_options_that_do_something_beside_others_are_taken(monkeypatch, options):
    for flight in ("run", "fly_several"):
        monkeypatch.setattr(command, flight, lambda *_: 0)
    assert command.main(options) == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--frames", os.fsdecode(b"b\xff")], "expected a folder of pictures"),
        (["--frames", "no such folder"], "expected a folder of pictures"),
    ],
)
def test_errors_are_reported_and_the_status_is_2(run, options, reason):
    status, output = run(*options)
    assert status == 2
    assert reason in " ".join(output.split())
    assert "Traceback" not in output


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize(("options", "number"), [(QUICK, signal.SIGTERM), ([*FEW, "--lockstep"], signal.SIGINT)])
def test_an_interrupt_ends_it_at_once_with_the_summary(start, raw_server, options, number):
    process = start(*options, "--port", str(raw_server.port))
    raw_server.next_frame(timeout=90)  # in lockstep it waits for an answer that never comes
    process.send_signal(number)
    begun = time.monotonic()
    output, _ = process.communicate(timeout=20)
    assert time.monotonic() - begun < 10
    assert process.returncode == 0
    assert "commands ignored" in output
    assert "Traceback" not in output


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("interrupt", [os.kill, getattr(os, "killpg", None)], ids=["by the bridge", "at a terminal"])
def test_an_interrupt_ends_several_drones_with_their_summaries(start, raw_server, interrupt):
    process = start(*QUICK, "--port", str(raw_server.port), "--count", "2")
    while len(raw_server.heads) < 2:
        raw_server.next_frame(timeout=90)
    begun = time.monotonic()
    interrupt(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - begun < 8
    assert process.returncode == 0, output
    assert output.count("commands ignored") == 2
    assert "Traceback" not in output


def test_each_of_several_drones_has_a_track_in_a_folder_that_is_made(run, tmp_path):
    track = tmp_path / "new" / "track.jsonl"
    status, output = run(*QUICK, "--port", "1", "--count", "2", "--duration", "1", "--log", str(track))
    assert status == 0, output
    assert sorted(each.name for each in track.parent.iterdir()) == ["track_0.jsonl", "track_1.jsonl"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_killed_drone_is_reported_and_fails_the_command(monkeypatch, capfd):
    def end(options, number, run):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as in a process that was not forked
        os.kill(os.getpid(), (signal.SIGCONT, signal.SIGKILL, signal.SIGTERM)[number])

    fork = multiprocessing.get_context("fork")  # which can run a local function
    monkeypatch.setattr(several, "_run_one", end)
    monkeypatch.setattr(several.multiprocessing, "get_context", lambda method: fork)
    assert command.main(["--count", "3", "--window"]) == 128 + signal.SIGKILL
    said = capfd.readouterr().err
    assert "drone 1: killed by signal 9" in said
    assert "drone 0" not in said
    assert "drone 2" not in said  # it was asked to end before it took off
    assert "no window" in said


class Drone:
    """A process of `multiprocessing` that starts nothing; the third one is interrupted while it starts."""

    drones: ClassVar[list] = []

    def __init__(self, **_):
        self.pid, self.exitcode, self.calls = None, None, []
        self.drones.append(self)

    def start(self):
        if len([drone for drone in self.drones if drone.pid]) == 2:
            raise KeyboardInterrupt
        self.pid = 1000 + len(self.drones)

    def terminate(self):
        self.calls.append("terminate")
        self.exitcode = -signal.SIGTERM

    def join(self, timeout=None):
        assert self.pid is not None
        assert self.exitcode is not None, "it waits for a drone that flies on"
        self.calls.append("join")

    def kill(self):
        self.calls.append("kill")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_an_interrupt_while_the_drones_start_ends_those_that_have_started(monkeypatch):
    monkeypatch.setattr(Drone, "drones", [])
    monkeypatch.setattr(several.multiprocessing, "get_context", lambda method: SimpleNamespace(Process=Drone))
    try:
        status = command.main(["--count", "6"])
    except KeyboardInterrupt:  # it would end all tests
        pytest.fail("the drones that have started fly on")
    assert status == 0
    assert [drone.calls for drone in Drone.drones] == [["terminate", "join", "kill", "join"]] * 2 + [[]] * 4


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_several_drones_fly_at_once_and_none_outlives_the_command(start, raw_server):
    process = start(*QUICK, "--port", str(raw_server.port), "--count", "2")
    while len(raw_server.heads) < 2:
        raw_server.next_frame(timeout=90)
    process.kill()
    # The pipe ends when the last process that holds it does: this would hang on a drone that flies on.
    process.communicate(timeout=20)
