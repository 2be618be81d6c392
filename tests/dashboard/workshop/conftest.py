"""Fixtures of the workshop's tests."""

import pytest

from app.model_loading import describe_origin
from dashboard import jobs
from dashboard.recordings.routes import Recordings
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.routes import Workshop
from tests.dashboard.workshop.workbench import lay_out


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Things to train and compare."""
    return lay_out(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def normal_priority(monkeypatch):
    """Let jobs run at the tests' own priority: at the lowest, they would wait for everything else on the machine."""
    monkeypatch.setattr(jobs, "LOW_PRIORITY", False)


@pytest.fixture
def serve_workshop(serve_with_dashboard, bench, normal_priority):
    """Start a bridge with a workshop that switches its models, and with the recordings."""
    bridges = []

    def load(name, path):
        from model.inference.segmenter import Segmenter

        segmenter = Segmenter(path)
        return segmenter, describe_origin(segmenter.describe(), path, {})

    def start(**options):
        bridges.append(serve_with_dashboard(more=more, **options))
        return bridges[-1]

    model_switcher = ModelSwitcher(bench.paths.models[0], load, lambda *network: bridges[-1].swap_model(*network))
    with Workshop(bench.paths, model_switcher, threads=1) as workshop:
        more = [Recordings(bench.paths.recordings).pages(), workshop.pages()]
        yield start


@pytest.fixture
def open_workshop(serve_workshop, visit):
    """Open the page of a workshop."""

    def start(**options):
        page = visit(f"{serve_workshop().dashboard.address}workshop", **options)
        page.get_by_label("Start from").get_by_text("one.h5").wait_for(state="attached")
        return page

    return start
