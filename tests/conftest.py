"""Fixtures and markers for the tests of all packages."""

import errno
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no failure. The same examples in every run; new ones with `pytest --hypothesis-profile search`.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile("repeatable")

if "PYTEST_XDIST_WORKER" in os.environ:  # several processes share the cores: a thread each, and in what they start
    for variable in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

pytest_plugins = ["tests.bridge_fixtures"]

FIXTURES_THAT_MARK = {"browser", "shared"}
NOT_QUICK = {"browser", "training", "simulator", "slow"}
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared files beside the checkout; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the shared files at {folder.name}/ beside the checkout")
    return folder


@pytest.fixture(scope="session")
def quadsim_session(shared: Path) -> list[dict]:
    """What QuadSim's own client and a server sent to each other: rows with `t`, `from` and `http` or `text`."""
    lines = (shared / "quadsim_wire" / "session.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def quadsim_frames(quadsim_session: list[dict]) -> list[dict[str, str]]:
    """The payloads of the frames in that session."""
    texts = [row["text"] for row in quadsim_session if row["from"] == "quadsim" and "text" in row]
    return [json.loads(text.removeprefix("42"))[1] for text in texts if text.startswith('42["sensor_frame"')]


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they use, and those that need nothing as quick; put browser and training tests first.

    Playwright waits for ever in a thread that has an event loop of eventlet. With pytest-xdist each process gets its
    files in this order, too. Trainings follow because they take longest.
    """
    for item in items:
        for fixture in FIXTURES_THAT_MARK.intersection(item.fixturenames):
            item.add_marker(fixture)
        if not any(mark.name in NOT_QUICK for mark in item.iter_markers()):
            item.add_marker("quick")
    items.sort(
        key=lambda item: (item.get_closest_marker("browser") is None, item.get_closest_marker("training") is None)
    )


@pytest.fixture
def forbid(monkeypatch):
    """Return a function after which the system refuses a file, or to enter a folder, to root as to everybody else."""

    def do(forbidden: Path) -> None:
        def refusing(call, own: bool):
            def refuse(target, *arguments, **options):
                path = Path(target) if isinstance(target, str | Path) else Path()
                if forbidden in path.parents or (own and path == forbidden):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
                return call(target, *arguments, **options)

            return refuse

        monkeypatch.setattr(os, "stat", refusing(os.stat, own=False))
        for module, name in ((os, "listdir"), (os, "scandir"), (os, "open"), (io, "open")):
            monkeypatch.setattr(module, name, refusing(getattr(module, name), own=True))

    return do
