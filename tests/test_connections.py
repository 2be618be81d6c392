"""The program connects to this machine only: camera frames, training data and usage statistics stay on it.

Every Python process that a command starts reports each address that is not this machine's. Dependencies have tried:
OpenVINO's converter sends to an analytics service unless it is kept from it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.training.train_command import arguments, write_data

pytestmark = pytest.mark.training

ROOT = Path(__file__).resolve().parents[1]
# Python imports this module at its start, in all child processes, too.
SITECUSTOMIZE = """
import ipaddress, os, sys

HOST = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}

def is_local(host):
    if isinstance(host, bytes):
        host = host.decode()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in (None, "", "localhost")
    return address.is_loopback or address.is_unspecified

def report(text):
    with open(os.environ["CONNECTIONS"], "a") as file:
        file.write(text + os.linesep)

def watch(event, arguments):
    if event in HOST:
        host = arguments[HOST[event]]
        if isinstance(host, tuple):
            host = host[0]
        elif event in ("socket.connect", "socket.sendto"):
            return  # a socket of the file system
        if not is_local(host):
            report(f"{event} {host} by {sys.argv}")
            raise OSError(f"this test allows no connection to {host}")

sys.addaudithook(watch)
report("started")
"""


@pytest.fixture
def run(tmp_path):
    """Run a command of the project; return the connections to other machines that it tried."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)

    def start(*command: object) -> list[str]:
        log = tmp_path / "connections.txt"
        log.unlink(missing_ok=True)
        paths = os.pathsep.join((str(tmp_path / "site"), str(ROOT)))
        environment = os.environ | {"PYTHONPATH": paths, "CONNECTIONS": str(log), "HOME": str(tmp_path)}
        process = subprocess.run(
            [sys.executable, *map(str, command)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
        )
        assert process.returncode == 0, process.stdout + process.stderr
        lines = log.read_text().splitlines()
        assert "started" in lines
        return [line for line in lines if line != "started"]

    return start


def test_an_address_elsewhere_is_reported(run):
    connect = (
        "import contextlib, socket\nwith contextlib.suppress(OSError): socket.create_connection(('192.0.2.1', 80))"
    )
    spawn = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {connect!r}])"
    assert len(run("-c", connect)) == len(run("-c", spawn)) == 1


def test_training_evaluating_exporting_and_flying_connect_to_this_machine_only(run, tmp_path):
    data, trained = write_data(tmp_path / "data"), tmp_path / "run"
    assert not run("-m", "model.train", *arguments(data, trained), "--epochs", 2)
    assert not run("-m", "model.evaluate", trained / "best.h5", data / "validation")
    formats = ("--formats", "saved_model", "openvino")
    calibration = ("--calibration", data / "validation", "--out", tmp_path / "exported")
    assert not run("-m", "model.export", trained / "best.h5", *calibration, *formats)
    flight = ("--sim", "--port", "0", "--set", f"recording.folder={tmp_path}", "--record", "--", "--duration", "2")
    assert not run("follower.py", "model_weights.h5", *flight)
