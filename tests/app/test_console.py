"""The status display: a line for each change, and the live line."""

import gc
import io
import logging
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from app.console import StatusDisplay, unblocked_output
from follower.types import Decision, Detection, Range, RangeSource, TargetState
from tests.bridge_fixtures import make_session, processed_frame

FOUND = Decision(
    TargetState.FOUND,
    True,
    (),
    detection=Detection((1, 2), (0, 0, 3, 3), 9, 0.9, np.ones((3, 3), bool)),
    range=Range(12.34, RangeSource.DEPTH),
    track_point=(1.26, -3.0, 0.94),
)

ROOT = Path(__file__).resolve().parents[2]
LOGS_MESSAGES = """
import logging, os
from app.console import unblocked_output
from config.console import FlightConsole

with unblocked_output(FlightConsole()):
    for number in range(3):
        logging.warning("message %d", number)
os._exit(0)  # as follower.py
"""


@pytest.fixture
def session():
    return make_session()


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)


def test_one_line_for_each_change(session):
    plain = console(terminal=False)
    with StatusDisplay(plain) as display:
        display.connected(session)
        display.frame_processed(session, processed_frame())
        display.frame_processed(session, processed_frame(FOUND, latency=12.0))
        for _ in range(20):
            display.frame_processed(session, processed_frame(Decision(TargetState.FOUND, False, ())))
        display.frame_processed(session, processed_frame(Decision(TargetState.LOST, True, ())))
        session.counts.answered, session.counts.skipped = 23, 4
        session.counts.refused["bad-pose"] = 2
        display.disconnected(session)
    assert plain.file.getvalue().splitlines() == [
        "simulator 1: connected from 127.0.0.1:5000",
        "simulator 1: target found at (1.3, -3.0, 0.9), 12.3 m away (by depth)",
        "simulator 1: target lost",
        "simulator 1: disconnected; 23 frames answered, 4 skipped, 2 refused",
    ]


def test_the_live_line_shows_rate_latency_and_range(session):
    terminal = console(terminal=True)
    display = StatusDisplay(terminal)
    display.connected(session)
    assert "no frames" in display.live_text()
    session.counts.skipped = 7
    for _ in range(15):
        display.frame_processed(session, processed_frame(FOUND, latency=12.0))
    text = display.live_text()
    assert "5.0 fps" in text
    assert "latency 12 ms" in text
    assert "7 skipped" in text
    assert "12.3 m away (by depth)" in text
    display.disconnected(session)
    assert display.live_text() == ""


def test_frames_are_not_kept_in_memory(session):
    display = StatusDisplay(console(terminal=False))
    display.connected(session)
    processed = processed_frame(FOUND)
    kept = weakref.ref(processed)
    display.frame_processed(session, processed)
    del processed
    gc.collect()
    assert kept() is None


def test_a_message_in_a_file_is_one_line_however_long(session):
    plain, terminal = console(terminal=False), console(terminal=True)
    message = "a warning " + "that goes on " * 30 + "[bold]to its end[/]"
    for each in (plain, terminal):
        with unblocked_output(each):
            logging.getLogger("sim_bridge.test").warning(message)
    (line,) = plain.file.getvalue().splitlines()
    assert line.endswith(f" WARNING: {message}")
    assert len(terminal.file.getvalue().splitlines()) > 3


@pytest.mark.parametrize("output", ["closed", "full"])
def test_messages_that_cannot_be_printed_are_no_errors(output):
    if output == "full" and not os.path.exists("/dev/full"):
        pytest.skip("needs a device without space")
    reader, writer = os.pipe() if output == "closed" else (None, os.open("/dev/full", os.O_WRONLY))
    if reader is not None:
        os.close(reader)
    command = [sys.executable, "-c", LOGS_MESSAGES]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, timeout=60)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, b"")


def test_a_file_gets_no_live_line(session):
    plain = console(terminal=False)
    with StatusDisplay(plain):
        pass
    assert plain.file.getvalue() == ""
