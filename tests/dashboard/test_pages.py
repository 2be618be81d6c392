"""What all pages have in common: files, headers, the navigation."""

import pytest
import requests

from dashboard.pages import Pages
from dashboard.recordings.routes import Recordings
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.routes import Workshop
from dashboard.workshop.workspace import WorkspacePaths


def test_the_page_loads_nothing_from_other_sites(serve_with_dashboard):
    bridge = serve_with_dashboard()
    session = requests.Session()
    base = f"http://127.0.0.1:{bridge.port}"
    page = session.get(base)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "http" not in page.text
    vendor = (
        "socket.io.esm.min.js",
        "socket.io-LICENSE.txt",
        "uPlot.iife.min.js",
        "uPlot.min.css",
        "uPlot-LICENSE.txt",
    )
    files = ("live/static/main.js", "live/static/live.css", "static/style.css", "static/icon.svg")
    for path in (*files, *(f"static/vendor/{name}" for name in vendor)):
        assert session.get(f"{base}/assets/{path}").ok, path
    assert session.get(f"{base}/assets/../dashboard.py").status_code == 404


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/", '<a href="/" aria-current="page">Live</a>'),
        ("/recordings", '<a href="/recordings" aria-current="page">Recordings</a>'),
        ("/recordings/<i>meadow", '<a href="/recordings" aria-current="true">Recordings</a>'),
        ("/workshop", '<a href="/workshop" aria-current="page">Workshop</a>'),
    ],
)
def test_a_page_marks_its_place_and_contains_no_text_from_elsewhere(serve_with_dashboard, tmp_path, path, current):
    workshop = Workshop(WorkspacePaths(tmp_path, tmp_path, ()), ModelSwitcher(tmp_path / "one.h5", None, None))
    bridge = serve_with_dashboard(more=[Recordings(tmp_path).pages(), workshop.pages()])
    address = f"http://127.0.0.1:{bridge.port}{path}"
    page = requests.get(address)
    assert current in page.text
    assert page.text.count("aria-current") == 1
    assert "meadow" not in page.text  # not even of its address
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert page.headers["Cache-Control"] == "no-cache"
    assert requests.get(address, headers={"If-None-Match": page.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("body", ["[" * 4000, '{"note": ' + "[" * 4000 + "]" * 4000 + "}"], ids=["list", "object"])
def test_lists_within_lists_are_refused_in_one_sentence(serve_with_dashboard, body):
    address = f"http://127.0.0.1:{serve_with_dashboard().port}/api/mark"
    answer = requests.post(address, body, headers={"Content-Type": "application/json"}, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("expected one JSON object, for example {}")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device", "/somebody/recordings/walk/hidden.txt"), "hidden.txt: No space left"),
        (OSError(28, "No space left on device", b"/somebody/hidden.txt"), "hidden.txt: No space left"),
        (OSError(28, "No space left on device", 7), "No space left"),
        (OSError(28, "No space left on device"), "No space left"),
        (OSError("the disk is gone"), "the disk is gone"),
    ],
)
def test_an_error_of_the_disk_names_the_file_but_not_its_folder(serve_with_dashboard, error, sentence):
    def fail():
        raise error

    pages = Pages("workshop")
    pages.get("/fail")(fail)
    answer = requests.get(f"http://127.0.0.1:{serve_with_dashboard(more=[pages]).port}/fail", timeout=30)
    assert answer.status_code == 500
    assert answer.json()["error"].startswith(f"disk error: {sentence}")
