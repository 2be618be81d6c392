"""Single keys at a terminal made for the test."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.keys import Keys

pty = pytest.importorskip("pty", reason="needs a terminal as POSIX has them")
termios = pytest.importorskip("termios")

# A minimal shell: one background job, which it moves to the foreground and back on request.
SHELL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if not job:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    from app.keys import Keys
    with Keys({"r": lambda: print("r", flush=True)}):
        print("begun", flush=True)
        signal.sigwait({signal.SIGTERM})
    os._exit(0)
for order in iter(lambda: os.read(int(sys.argv[1]), 1), b""):
    if order == b"e":
        os.kill(job, signal.SIGTERM)
        break
    os.tcsetpgrp(0, job if order == b"f" else os.getpgrp())
_, status = os.waitpid(job, os.WUNTRACED)
if os.WIFSTOPPED(status):
    print("stopped by", signal.Signals(os.WSTOPSIG(status)).name, flush=True)
    os.kill(job, signal.SIGKILL)
else:
    print("ended", flush=True)
"""


@pytest.fixture
def terminal(monkeypatch):
    """The other end of a terminal that is standard input."""
    keyboard, screen = pty.openpty()
    with os.fdopen(screen, "r") as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        yield keyboard
    os.close(keyboard)


def takes_single_keys(terminal) -> bool:
    return not termios.tcgetattr(terminal)[3] & termios.ICANON


def test_keys_act_at_once_and_the_terminal_is_restored(terminal, eventually):
    before = termios.tcgetattr(sys.stdin)
    pressed = []
    with Keys({"r": lambda: pressed.append("r"), "x": lambda: pressed.append("x") or 1 / 0}):
        for number, key in enumerate((b"x", b"R", b"r")):  # an action that fails ends nothing
            os.write(terminal, key)
            assert eventually(lambda number=number: len(pressed) == number + 1)
    assert pressed == ["x", "r", "r"]
    assert termios.tcgetattr(sys.stdin) == before


def test_single_keys_work_again_after_a_shell_restored_the_terminal(terminal, eventually):
    before = termios.tcgetattr(sys.stdin)
    with Keys({}):
        assert eventually(lambda: takes_single_keys(sys.stdin))
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)  # as after Ctrl-Z
        assert eventually(lambda: takes_single_keys(sys.stdin))
    assert termios.tcgetattr(sys.stdin) == before


@pytest.mark.parametrize("sent", [b"\x1bOR", b"a paragraph"], ids=["F3", "pasted"])
def test_input_that_is_no_single_key_does_nothing(terminal, eventually, sent):
    pressed = []

    def x_pressed():
        os.write(terminal, b"x")  # repeatedly: one read together with `sent` is no single key either
        time.sleep(0.02)
        return "x" in pressed

    with Keys({key: lambda key=key: pressed.append(key) for key in "rx"}):
        assert eventually(lambda: takes_single_keys(sys.stdin))
        os.write(terminal, sent)
        assert eventually(x_pressed)
    assert "r" not in pressed


@pytest.mark.slow
def test_a_background_job_leaves_the_terminal_alone():
    keyboard, screen = pty.openpty()
    orders, order = os.pipe()
    shell = subprocess.Popen(
        [sys.executable, "-c", SHELL, str(orders)],
        cwd=Path(__file__).resolve().parents[2],
        stdin=screen,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        pass_fds=[orders],
    )
    watchdog = threading.Timer(30, shell.kill)
    watchdog.start()
    try:
        assert shell.stdout.readline() == "begun\n"
        time.sleep(0.5)  # time in which it must do nothing
        assert not takes_single_keys(screen)
        os.write(order, b"f")
        while not takes_single_keys(screen):
            assert shell.poll() is None
            time.sleep(0.01)
        os.write(keyboard, b"r")
        assert shell.stdout.readline() == "r\n"
        os.write(order, b"b")
        time.sleep(0.5)
        os.write(keyboard, b"r")
        time.sleep(0.5)
        os.write(order, b"e")
        assert shell.stdout.read() == "ended\n"
    finally:
        watchdog.cancel()
        shell.kill()
        shell.communicate()
        for handle in (keyboard, screen, orders, order):
            os.close(handle)


def test_on_windows_keys_of_two_characters_are_ignored(monkeypatch, terminal, eventually):
    typed, pressed = list("\xe0R\x00Rx"), []
    console = SimpleNamespace(kbhit=lambda: bool(typed), getwch=lambda: typed.pop(0))
    monkeypatch.setitem(sys.modules, "msvcrt", console)
    monkeypatch.setattr("app.keys.os", SimpleNamespace(name="nt"))
    with Keys({key: lambda key=key: pressed.append(key) for key in "rx"}):
        assert eventually(lambda: "x" in pressed)
    assert pressed == ["x"]


def test_without_a_terminal_nothing_is_read(monkeypatch, tmp_path):
    (tmp_path / "input").write_text("r")
    with (tmp_path / "input").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with Keys({"r": pytest.fail}):
            pass
        assert file.read() == "r"
