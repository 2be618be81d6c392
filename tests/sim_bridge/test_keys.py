"""The key that starts and stops a recording, at a terminal of our own."""

import os
import sys

import pytest

from sim_bridge.keys import Keys

pty = pytest.importorskip("pty", reason="needs a terminal as POSIX has them")
termios = pytest.importorskip("termios")


@pytest.fixture
def terminal(monkeypatch):
    """The other end of a terminal that is standard input."""
    keyboard, screen = pty.openpty()
    with os.fdopen(screen, "r") as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        yield keyboard
    os.close(keyboard)


def test_keys_act_at_once_and_the_terminal_is_as_before_afterwards(terminal, eventually):
    before = termios.tcgetattr(sys.stdin)
    pressed = []
    with Keys({"r": lambda: pressed.append("r"), "x": lambda: 1 / 0}):
        os.write(terminal, b"xaR")  # what fails or means nothing does not matter
        assert eventually(lambda: pressed == ["r"])
        os.write(terminal, b"r")
        assert eventually(lambda: pressed == ["r", "r"])
    assert termios.tcgetattr(sys.stdin) == before


def test_without_a_terminal_nothing_is_read(monkeypatch, tmp_path):
    (tmp_path / "input").write_text("r")
    with (tmp_path / "input").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with Keys({"r": pytest.fail}):
            pass
        assert file.read() == "r"
