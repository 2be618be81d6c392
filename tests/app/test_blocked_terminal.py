"""A terminal that accepts no output (Ctrl-S, a suspended SSH session) blocks only what is shown on it."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from tests.app.test_main import WITH_A_FAKE_NETWORK

pytestmark = pytest.mark.slow

pty = pytest.importorskip("pty", reason="needs a POSIX terminal")
termios = pytest.importorskip("termios")

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """A terminal that follower.py writes to; its output is kept in `text`."""

    def __init__(self, folder: Path):
        self.text = ""
        self.keyboard, self.screen = pty.openpty()
        settings = [f"recording.folder={folder}", "recording.min_free_gigabytes=0"]
        options = [part for setting in settings for part in ("--set", setting)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", WITH_A_FAKE_NETWORK, "--port", "0", *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.screen,
            stderr=self.screen,
        )
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def words(self) -> str:
        """The text without colours and line breaks."""
        return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text).split())

    def _read(self) -> None:
        try:
            while data := os.read(self.keyboard, 4096):
                self.text += data.decode(errors="replace")
        except OSError:
            pass


@pytest.fixture
def terminal(tmp_path):
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.screen)


def test_a_terminal_that_accepts_no_output_blocks_nothing_else(terminal, connect, payload, eventually):
    assert eventually(lambda: re.search(r"ws://127\.0\.0\.1:\d+", terminal.text), 60)
    port = int(re.search(r"ws://127\.0\.0\.1:(\d+)", terminal.text)[1])
    site = f"http://127.0.0.1:{port}"
    termios.tcflow(terminal.screen, termios.TCOOFF)
    client = connect(port)
    client.send_frame(payload(timestamp=1), "1")
    assert eventually(lambda: 1 in client.acknowledged)
    started = requests.post(f"{site}/api/recording/start", json={"name": "quiet"}, timeout=10)
    assert started.json()["name"] == "quiet"
    for number in range(2, 12):
        client.send_frame(payload(timestamp=number) | {"pose": "1,2,3"})  # logged at the terminal
        client.send_frame(payload(timestamp=number), str(number))
        assert eventually(lambda number=number: number in client.acknowledged)
    client.close()
    controls = f"{site}/api/controls"  # the recorder receives a frame after the simulator its answer
    assert eventually(lambda: requests.get(controls, timeout=10).json()["recorder"]["frames"] == 10)
    requests.post(f"{site}/api/recording/stop", json={}, timeout=10)

    def recorded() -> list[int]:
        runs = requests.get(f"{site}/api/recordings", timeout=10).json()["recordings"]
        return [run["frames"] for run in runs if run["state"] == "finished"]

    assert eventually(lambda: recorded() == [10])
    assert requests.get(f"{site}/status", timeout=10).json() == {"sessions": [], "events_dropped": 0}
    assert "simulator 1" not in terminal.words
    termios.tcflow(terminal.screen, termios.TCOON)
    terminal.process.terminate()
    assert terminal.process.wait(30) == 0
    for said in ("simulator 1: connected", "six numbers", "recorded ", "disconnected; 11 frames answered", "stopped"):
        assert eventually(lambda said=said: said in terminal.words), terminal.words
