"""The environment of the scripts, and the commands that they run."""

import os
import signal
import sys
import venv

import pytest

from scripts import environment
from scripts.environment import ROOT, prepare, run

pytestmark = pytest.mark.slow


def test_a_command_runs_where_the_caller_is_and_finds_the_project(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    code = "import os, simulator; print(os.getcwd(), simulator.__file__)"
    assert run(sys.executable, "-c", code) == 0
    assert capfd.readouterr().out.split() == [str(tmp_path), str(ROOT / "simulator" / "__init__.py")]


@pytest.mark.parametrize(("end", "status"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", 128 + 9)])
def test_the_exit_status_is_as_a_shell_has_it(end, status):
    if status > 128 and not hasattr(signal, "SIGKILL"):
        pytest.skip("needs POSIX signals")
    assert run(sys.executable, "-c", f"import os, sys; {end}") == status


def test_an_environment_whose_creation_was_interrupted_is_created_again(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    venv.create(tmp_path / ".venv", with_pip=False)  # what there is before pip comes
    (tmp_path / "nothing.txt").write_text("")
    assert run(prepare("nothing.txt"), "-m", "pip", "--version") == 0


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_an_environment_whose_python_was_removed_is_created_again(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    venv.create(tmp_path / ".venv", with_pip=False)
    for link in (tmp_path / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to(tmp_path / "removed by an upgrade")
    (tmp_path / "nothing.txt").write_text("")
    assert run(prepare("nothing.txt"), "-m", "pip", "--version") == 0
