"""The environment of the scripts, and the commands that they run."""

import hashlib
import os
import runpy
import signal
import sys
import venv
from types import SimpleNamespace

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


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project without requirements, and an environment without pip: what there is before pip comes."""
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    venv.create(tmp_path / ".venv", with_pip=False)
    (tmp_path / "nothing.txt").write_text("")
    return tmp_path


def test_an_environment_whose_creation_was_interrupted_is_created_again(folder):
    assert run(prepare("nothing.txt"), "-m", "pip", "--version") == 0


@pytest.mark.skipif(os.name == "nt", reason="needs links")
@pytest.mark.parametrize(
    "content", [b"\x7fELF", b"#!/bin/sh\nexit 127"], ids=["of another machine", "without its library"]
)
def test_an_environment_whose_python_does_not_start_is_created_again(folder, content):
    (folder / ".venv" / "installed-nothing").write_text(hashlib.sha256(b"").hexdigest())
    for link in (folder / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.write_bytes(content)
        link.chmod(0o755)
    assert run(prepare("nothing.txt"), "-m", "pip", "--version") == 0


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_complete_environment_is_left_alone_until_its_python_is_another_one(folder, capfd):
    (library,) = (folder / ".venv" / "lib").glob("python*")
    pip = library / "site-packages" / "pip.py"
    pip.write_text("print('pip of a test, which installs nothing')")
    interpreter = prepare("nothing.txt")
    capfd.readouterr()
    assert prepare("nothing.txt") == interpreter
    assert capfd.readouterr().out == ""
    library.rename(library.with_name("python3.10"))  # as if that had been the version before an upgrade
    stamp = folder / ".venv" / "installed-nothing"
    stamp.write_text(stamp.read_text().replace(f" {sys.version_info[1]} ", " 10 "))
    assert run(prepare("nothing.txt"), "-m", "pip", "--version") == 0
    assert not library.with_name("python3.10").exists()


def test_a_benchmark_is_started_from_a_folder_with_packages_of_the_same_names(tmp_path, monkeypatch, capfd):
    for name in ("scripts", "config"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('this is not the {name} of the project')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "environment", SimpleNamespace(prepare=lambda *files: sys.executable, run=run))
    monkeypatch.setattr(sys, "argv", ["bench.py", "latency", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "scripts" / "bench.py"), run_name="__main__")
    assert ended.value.code == 0
    assert "usage:" in capfd.readouterr().out
