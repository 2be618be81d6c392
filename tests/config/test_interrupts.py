"""Ctrl-C and other signals to end, at moments and in places where they could be lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    ["follower.py"],
    ["-m", "app.main"],
    ["-m", "simulator"],
    ["-m", "simulator.snapshots", "folder"],
    ["-m", "simulator.gallery", "picture.jpg"],
    ["-m", "model.relabel", "walk"],
    ["-m", "model.sweep", "sweep.toml"],
    ["-m", "sim_bridge.replay", "walk"],
    ["-m", "dataset"],
    ["-m", "model.train", "--data", "folder"],
    ["-m", "model.evaluate", "model.h5", "folder"],
    ["-m", "model.compare", "a.h5", "b.h5", "folder"],
    ["-m", "model.export", "model.h5"],
    ["-m", "scripts.benchmarks", "latency"],
]


@pytest.fixture(scope="module")
def interrupted_import(tmp_path_factory):
    """A folder that makes the import of numpy or rich, whichever comes first, the moment of Ctrl-C."""
    folder = tmp_path_factory.mktemp("modules")
    for name in ("numpy", "rich"):
        text = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
        (folder / f"{name}.py").write_text(text)
    return folder


def ignore_interrupts() -> None:
    """What shells do for commands that a script starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_ctrl_c_during_imports_prints_no_traceback(interrupted_import, command, background):
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(interrupted_import), str(ROOT)])},
        preexec_fn=ignore_interrupts if background else None,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert ended.returncode in (130, -signal.SIGINT)
    assert ended.stdout == ""
    assert ended.stderr in ("interrupted\n", "")


def test_other_errors_keep_their_traceback():
    code = "import config.interrupts; raise RuntimeError('a defect')"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback")
    assert ended.stderr.endswith("RuntimeError: a defect\n")


def test_ctrl_c_while_an_object_is_deleted_ends_the_command_all_the_same():
    code = """
import config.interrupts, os, signal, time
class Deleted:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)  # where Python notices it, and ignores what it raises
def work():
    Deleted()
    for _ in range(100):
        time.sleep(0.1)
work()
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "interrupted\n")


def test_other_errors_while_an_object_is_deleted_are_reported():
    code = """
import config.interrupts
class Deleted:
    def __del__(self):
        raise RuntimeError("a defect")
Deleted()
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert ended.returncode == 0
    assert "RuntimeError: a defect" in ended.stderr


def run_until_signalled(code: str, number: int, nohup: bool = False) -> subprocess.CompletedProcess:
    """Run code that prints a line when it is ready for the signal."""

    def begin() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL)

    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "preexec_fn": begin}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, **options) as run:
        run.stdout.readline()
        run.send_signal(number)
        output, errors = run.communicate(timeout=50)
    return subprocess.CompletedProcess(command, run.returncode, output, errors)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_files_are_closed_when_a_command_is_told_to_end(number):
    code = """
import config.interrupts, time
try:
    print("ready", flush=True)
    time.sleep(60)
finally:
    print("closed")
"""
    ended = run_until_signalled(code, number)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "closed\n", "interrupted\n")


def test_a_command_started_by_nohup_outlives_its_terminal():
    code = "import config.interrupts, time; print('ready', flush=True); time.sleep(1); print('done')"
    ended = run_until_signalled(code, signal.SIGHUP, nohup=True)
    assert (ended.returncode, ended.stdout) == (0, "done\n")


def test_an_interrupt_that_a_library_turned_into_another_error_is_known():
    code = """
from config.interrupts import interrupted
import time
try:
    try:
        print(interrupted(), flush=True)
        time.sleep(60)
    except BaseException:
        raise ValueError("Invalid bounding box")  # as matplotlib has it
except ValueError:
    print(interrupted())
"""
    ended = run_until_signalled(code, signal.SIGINT)
    assert (ended.returncode, ended.stdout) == (0, "True\n")


def test_a_worker_is_ended_by_its_parent_without_a_word(tmp_path):
    (tmp_path / "command.py").write_text("""
import config.interrupts, multiprocessing, time
def work():
    time.sleep(60)
if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=work)
    worker.start()
    time.sleep(1)
    worker.terminate()
    worker.join()
    print(worker.exitcode)
""")
    command = [sys.executable, str(tmp_path / "command.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50)
    assert (ended.stdout, ended.stderr) == (f"{-signal.SIGTERM}\n", "")
