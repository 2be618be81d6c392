"""Commands of this project as child processes."""

import threading

import pytest

from sim_bridge.child_process import ChildProcess

pytestmark = pytest.mark.slow


def test_a_module_of_the_same_name_in_the_working_folder_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "simulator").mkdir()
    (tmp_path / "simulator" / "__init__.py").write_text("")
    (tmp_path / "simulator" / "__main__.py").write_text("print('somebody else')")
    monkeypatch.chdir(tmp_path)
    lines, ended = [], threading.Event()
    process = ChildProcess("simulator", ["--help"], lines.append, lambda status: ended.set())
    assert ended.wait(60)
    process.stop(1)
    assert lines[0].startswith("usage: python -m simulator")


def test_a_process_whose_output_cannot_be_written_runs_to_its_end():
    lines = []

    def full(line):
        lines.append(line)
        raise OSError(28, "No space left on device")

    statuses, ended = [], threading.Event()
    process = ChildProcess("simulator", ["--help"], full, lambda status: (statuses.append(status), ended.set()))
    assert ended.wait(60)
    process.stop(1)
    assert statuses == [0]
    assert len(lines) > 10


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_its_end_is_reported_although_its_output_could_not_be_shown():
    def show(line):
        raise SystemExit  # what Rich does when its own output is a closed pipe

    statuses, ended = [], threading.Event()
    process = ChildProcess("simulator", ["--help"], show, lambda status: (statuses.append(status), ended.set()))
    assert ended.wait(60)
    process.stop(1)
    assert len(statuses) == 1
