"""The command itself: what it prints, how it ends, and errors at its start."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.ipv6 import needs_ipv6

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
WITH_A_FAKE_NETWORK = """
import pathlib, sys, time
import numpy as np
from app import main as command
from app import model_loading

class Network:
    typical_fraction = 0.95

    def predict(self, images):
        return np.zeros((len(images), 32, 32, 3), np.float32)
    def describe(self):
        return "a network of 0.00 GMAC on nothing"

model_loading.load_agent_segmenter = lambda *choices, **options: Network()
model_loading.find_weights = lambda weights: pathlib.Path("follower.py")
sys.exit(command.main(sys.argv[1:]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "follower.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.fixture
def start(tmp_path):
    """Start the command with a fake network; wait until it listens."""
    running = []

    def begin(*arguments: str) -> tuple[subprocess.Popen, list[str], int]:
        folder = f"recording.folder={tmp_path}"
        command = [sys.executable, "-c", WITH_A_FAKE_NETWORK, "--set", folder, *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        running.append(process)
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if found := re.search(r"waiting for QuadSim on ws://.+:(\d+)$", line.rstrip()):
                return process, lines, int(found[1])
        raise AssertionError("\n".join(lines))

    yield begin
    for process in running:
        with process:  # closes its pipe
            process.kill()


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT and SIGTERM")
@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_the_model_and_ends_at_once(start, async_mode, ending):
    process, lines, port = start("--port", "0", "--async-mode", async_mode)
    assert lines[0] == "a network of 0.00 GMAC on nothing"
    assert lines[1] == f"model_weights.h5 is {ROOT / 'model' / 'weights' / 'model_weights.h5'}"  # not just the name
    assert lines[2] == f"watch it on http://127.0.0.1:{port}/"
    assert len(lines) == 4
    with socket.create_connection(("127.0.0.1", port)):  # a client that sends nothing
        time.sleep(0.3)  # it prints that it waits a little before it does
        began = time.perf_counter()
        process.send_signal(ending)
        rest = process.stdout.read()
        process.wait(timeout=10)
    assert time.perf_counter() - began < 5  # it does not wait for the client, given up after 20 s
    assert rest == "stopped\n"
    assert process.returncode == 0


@needs_ipv6
def test_an_address_of_ipv6_is_printed_in_brackets(start):
    _, lines, port = start("--host", "::1", "--port", "0")
    assert lines[-1] == f"waiting for QuadSim on ws://[::1]:{port}"


@pytest.mark.skipif(os.name != "posix", reason="the browser here is a shell command")
def test_pred_viz_opens_the_page(start, tmp_path, monkeypatch):
    opened = tmp_path / "opened"
    monkeypatch.setenv("BROWSER", f"sh -c 'echo $0 > {opened}' %s")
    _, _, port = start("--port", "0", "--pred_viz")
    deadline = time.monotonic() + 20
    while not (opened.exists() and opened.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert opened.read_text() == f"http://127.0.0.1:{port}/\n"


def test_another_model_takes_over_without_a_restart(start, tmp_path):
    process, _, port = start("--port", "0", "--set", f"workshop.runs={tmp_path}")
    call = f"http://127.0.0.1:{port}/api/workshop/active-model"
    assert requests.post(call, json={"model": "model_weights.h5"}, timeout=30).json() == {"loading": "model_weights.h5"}
    assert process.stdout.readline() == "active model: a network of 0.00 GMAC on nothing\n"
    active = requests.get(call.removesuffix("/active-model"), timeout=30).json()["active_model"]
    assert (active["model"], active["refused"]) == ("model_weights.h5", None)


def test_a_port_in_use_is_one_sentence(start):
    _, _, port = start("--port", "0")
    began = time.perf_counter()
    second = run("--port", str(port))
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}: another program uses this port" in second.stderr
    assert time.perf_counter() - began < 10  # known before the model is loaded


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "agent.treshold=0.4"], "there is no setting agent.treshold; did you mean agent.threshold?"),
        (["--threshold", "1.4"], "agent.threshold: expected a number between 0 and 1, got 1.4"),
        (["--config", "absent.toml"], "absent.toml cannot be read: No such file or directory"),
        pytest.param(
            ["--set", f"recording.folder={300 * 'x'}"],
            f"File name too long: '{300 * 'x'}'",
            marks=pytest.mark.skipif(os.name != "posix", reason="the system's own words"),
            id="folder",
        ),
        (["--async-mode", "thread"], "argument --async-mode: invalid choice: 'thread'"),
    ],
)
def test_errors_are_explained(arguments, sentence):
    result = run(*arguments)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version():
    assert re.fullmatch(r"follower\.py \d+\.\d+\.\d+\n", run("--version").stdout)


def test_help_names_the_options():
    result = run("--help")
    assert result.returncode == 0
    for word in ("--host", "--port", "--config", "--threshold", "--async-mode", "--device", "--runtime", "examples:"):
        assert word in result.stdout


def test_the_built_in_simulator_flies_and_ends_with_it(start):
    process, _, _ = start("--port", "0", "--sim", "--", "--people", "0", "--duration", "1")
    rest = process.stdout.read()
    assert process.wait(timeout=30) == 0
    assert "simulator 1: connected from 127.0.0.1" in rest
    assert re.search(r"simulator: +frames +\d+", rest)
    assert rest.endswith("stopped\n")


def test_unknown_options_of_the_simulator_are_reported(start):
    process, _, _ = start("--port", "0", "--sim", "--", "--peple", "0")
    rest = process.stdout.read()
    assert process.wait(timeout=30) == 2
    assert "--peple" in rest
    assert "--sim" in run("--", "--people", "0").stderr


def test_the_built_in_simulator_ends_with_a_killed_follower(start, tmp_path):
    track = tmp_path / "track.jsonl"
    process, _, _ = start("--port", "0", "--sim", "--", "--people", "0", "--log", str(track))
    deadline = time.monotonic() + 30
    while not (track.exists() and track.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.kill()
    process.stdout.read()  # ends when the simulator, which inherited nothing else of ours, has ended too
    size = track.stat().st_size
    time.sleep(3)
    assert 0 < track.stat().st_size <= size + 10_000
    later = track.stat().st_size
    time.sleep(1)
    assert track.stat().st_size == later


@pytest.mark.skipif(os.name != "posix", reason="closes a pipe")
def test_a_flight_goes_on_and_ends_with_the_simulator_although_nobody_reads_its_output(start):
    process, _, _ = start("--port", "0", "--sim", "--", "--people", "0", "--duration", "2")
    process.stdout.close()  # | head
    assert process.wait(timeout=60) == 0


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_while_the_built_in_simulator_starts_is_no_failure(start):
    process, _, _ = start("--port", "0", "--sim", "--", "--people", "0")
    process.send_signal(signal.SIGINT)
    assert process.stdout.read().endswith("stopped\n")
    assert process.wait(timeout=30) == 0
