"""Recordings over HTTP: what the calls return and refuse, and that no name leads out of the folder."""

import contextlib
import http.client
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
import requests

from dashboard.recordings import routes
from dashboard.recordings.routes import Recordings
from dataset.pairs import find_pairs
from dataset.recordings.layout import lock
from dataset.recordings.recording import open_recording
from dataset.recordings.statistics import statistics_of
from dataset.recordings.summary import SummaryCache

SECRET = b"nobody may read this"
WALK = Path(__file__).parents[2] / "dataset" / "recordings" / "walk"


@pytest.fixture
def folder(tmp_path):
    """A folder of recordings with a copy of the walk, and a secret beside it."""
    shutil.copytree(WALK, tmp_path / "runs" / "walk")
    (tmp_path / "secret.png").write_bytes(SECRET)
    (tmp_path / "frames.jsonl").write_bytes(SECRET)
    return tmp_path / "runs"


@pytest.fixture
def site(serve_with_dashboard, folder):
    """Start a bridge with these recordings; return its address."""

    def start(**options) -> str:
        bridge = serve_with_dashboard(more=[Recordings(folder).pages()], **options)
        start.token = bridge.dashboard.token
        return f"http://127.0.0.1:{bridge.port}"

    return start


def get(address: str, **options) -> requests.Response:
    return requests.get(address, timeout=30, **options)


def post(address: str, body: object, **options) -> requests.Response:
    return requests.post(address, json=body, timeout=30, **options)


def get_as_written(address: str, path: str) -> tuple[int, bytes]:
    """Request a path exactly as written, without normalisation."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_the_statistics_are_those_of_the_command(site, folder):
    recording = open_recording(folder / "walk")
    address = f"{site()}/api/recordings/walk/statistics"
    for expression, names in (("all", None), ("3-12", set(recording.names[3:13]))):
        told = get(f"{address}?frames={expression}").json()
        expected = json.loads(json.dumps(asdict(statistics_of(recording, names))))
        assert dict(told.pop("size_bands")) == expected.pop("size_bands")
        assert told.pop("wrong_target_frames") == []
        assert told == expected
    assert get(address).json()["frames"] == len(recording.frames)
    assert get(f"{address}?frames=x").status_code == 400


@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_slow_statistics_delay_no_other_call(site, monkeypatch, async_mode):
    begun, finish = threading.Event(), threading.Event()

    def compute(*arguments):
        begun.set()
        assert finish.wait(30)
        return statistics_of(*arguments)

    monkeypatch.setattr(routes, "statistics_of", compute)
    address = f"{site(async_mode=async_mode)}/api/recordings/walk"
    with ThreadPoolExecutor() as pool:
        statistics = pool.submit(get, f"{address}/statistics")
        assert begun.wait(30)
        assert get(address).ok
        assert not statistics.done()
        finish.set()
        assert statistics.result().json()["frames"] == 30


@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_a_slow_disk_that_frames_are_hidden_on_delays_no_other_call(site, folder, monkeypatch, async_mode):
    begun, finish, write = threading.Event(), threading.Event(), routes.write_hidden

    def write_slowly(*arguments):
        begun.set()
        assert finish.wait(10)
        write(*arguments)

    monkeypatch.setattr(routes, "write_hidden", write_slowly)
    address = f"{site(async_mode=async_mode)}/api/recordings/walk"
    with ThreadPoolExecutor() as pool:
        hidden = pool.submit(post, f"{address}/hide", {"frames": ["3"]})
        assert begun.wait(30)
        try:
            assert requests.get(address, timeout=3).json()["hidden"] == []
        finally:
            finish.set()
        assert hidden.result().json() == {"changed": 1, "hidden": ["000003"]}


def test_the_list_agrees_with_the_statistics(site, folder):
    (told,) = get(site() + "/api/recordings").json()["recordings"]
    run = open_recording(folder / "walk")
    expected = statistics_of(run)
    assert (told["name"], told["state"], told["started"]) == ("walk", "finished", run.meta["started"])
    assert (told["frames"], told["visible"], told["hidden"]) == (expected.frames, expected.visible, 0)
    assert told["pseudo_labelled"] == expected.labels["model"] == expected.frames
    assert told["seconds"] == pytest.approx(expected.seconds)
    named = {f"{kind}/{name}" for kind in ("images", "masks", "depth") for name in os.listdir(folder / "walk" / kind)}
    files = [folder / "walk" / name for name in (*named, "frames.jsonl")]
    assert told["bytes"] == sum(file.stat().st_size for file in files)
    largest = max(run.frames, key=lambda frame: frame.hero_pixels)
    assert told["poster"] == largest.image


@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_a_recording_is_served_as_stored(site, folder, async_mode):
    address, walk = site(async_mode=async_mode) + "/api/recordings/walk", folder / "walk"
    lines = get(address + "/frames")
    assert lines.content == (walk / "frames.jsonl").read_bytes()
    assert get(address + "/frames?from=1000").content == lines.content[1000:]
    assert get(address + f"/frames?from={len(lines.content)}").content == b""
    assert get(address + f"/frames?from={10 * len(lines.content)}").content == b""
    for part, name, kind in (
        ("images", "000003.jpeg", "image/jpeg"),
        ("masks", "000003.png", "image/png"),
        ("depth", "000003.png", "image/png"),
    ):
        answer = get(f"{address}/{part}/{name}")
        assert answer.content == (walk / part / name).read_bytes()
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    about = get(address).json()
    assert (about["name"], about["state"], about["hidden"]) == ("walk", "finished", [])
    assert about["meta"]["frame_size"] == [256, 256]


def test_hidden_frames_are_not_training_data_until_restored(site, folder):
    address = site() + "/api/recordings/walk"
    everything = {pair.name for pair in find_pairs(folder / "walk")[0]}
    answer = post(address + "/hide", {"frames": ["3-5", "9"]}).json()
    assert answer == {"changed": 4, "hidden": ["000003", "000004", "000005", "000009"]}
    assert everything - {pair.name for pair in find_pairs(folder / "walk")[0]} == set(answer["hidden"])
    assert get(address).json()["hidden"] == answer["hidden"]
    assert post(address + "/restore", {"frames": ["4-"]}).json()["hidden"] == ["000003"]
    assert post(address + "/restore", {"frames": ["all"]}).json() == {"changed": 1, "hidden": []}
    assert {pair.name for pair in find_pairs(folder / "walk")[0]} == everything


@pytest.mark.parametrize(
    "path",
    [
        "/api/recordings/..",
        "/api/recordings/../frames",
        "/api/recordings/%2e%2e/frames",
        "/api/recordings/..%2f/frames",
        "/api/recordings/walk%2f../frames",
        "/api/recordings/walk/images/..%2f..%2f..%2fsecret.png",
        "/api/recordings/walk/images/../../../secret.png",
        "/api/recordings/walk/images/%2e%2e%5c%2e%2e%5csecret.png",
        "/api/recordings/walk/images/..",
        "/api/recordings/walk/images/.hidden.png",
        "/api/recordings/walk/images/000003.jpeg%00.png",
        "/api/recordings/walk/images/link.png",
        "/api/recordings/walk/images/frames.jsonl",
        "/api/recordings/walk/quarantine/000003.png",
        "/api/recordings/walk/./meta.json",
        "/api/recordings/walk/meta.json",
        "/api/recordings//etc/frames",
    ],
)
def test_no_name_leads_out_of_the_recordings(site, folder, path):
    (folder / "walk" / "images" / ".hidden.png").write_bytes(SECRET)
    (folder / "walk" / "images" / "frames.jsonl").write_bytes(SECRET)
    (folder / "walk" / "quarantine").mkdir()
    (folder / "walk" / "quarantine" / "000003.png").write_bytes(SECRET)
    with contextlib.suppress(OSError):  # not everybody may make links on Windows
        (folder / "walk" / "images" / "link.png").symlink_to(folder.parent / "secret.png")
    status, body = get_as_written(site(), path)
    assert status in (301, 308, 404)
    assert SECRET not in body
    assert b"frame_size" not in body


def test_a_missing_recording_is_reported_in_one_sentence(site):
    address = site() + "/api/recordings"
    for path in ("/nothing", "/nothing/frames", "/nothing/images/000003.jpeg", "/walk/images/999999.jpeg"):
        answer = get(address + path)
        assert answer.status_code == 404
        assert "no" in answer.json()["error"]
    assert post(address + "/nothing/hide", {"frames": ["all"]}).status_code == 404
    for text in ("-1", "x", "1e3", "9" * 40):
        assert get(f"{address}/walk/frames?from={text}").status_code == 400


@pytest.mark.parametrize("frames", [None, "3-5", [], [3], ["x"], ["5-"] * 1001, ["99"], ["9" * 5000], ["3-5", None]])
def test_invalid_frame_selections_are_refused(site, folder, frames):
    answer = post(site() + "/api/recordings/walk/hide", {"frames": frames})
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert not (folder / "walk" / "hidden.txt").exists()


@pytest.mark.parametrize("frames", ["9" * 5000, "3-" + "9" * 5000], ids=["one", "range"])
def test_numbers_of_thousands_of_digits_are_refused_as_all_others(site, frames):
    address = f"{site()}/api/recordings/walk"
    for answer in (get(f"{address}/statistics?frames={frames}"), post(f"{address}/hide", {"frames": [frames]})):
        assert answer.status_code == 400
        assert answer.json()["error"] == f"expected frames such as 12, 10-20 or 10-, got {frames[:40]!r}"


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Origin": "http://evil.example"}},
        {"headers": {"Origin": "null"}},
        {"headers": {"Host": "evil.example:4567"}},
        {"data": '{"frames": ["all"]}', "headers": {"Content-Type": "text/plain"}},
    ],
)
def test_pages_of_other_sites_can_neither_read_nor_hide(site, folder, options):
    address = site() + "/api/recordings/walk"
    content = {"json": {"frames": ["all"]}} | options if "data" not in options else options
    assert requests.post(address + "/hide", timeout=30, **content).status_code in (403, 415)
    assert not (folder / "walk" / "hidden.txt").exists()
    if "data" not in options:
        for path in ("", "/frames", "/images/000003.jpeg"):
            answer = get(address + path, headers=options["headers"])
            assert answer.status_code == 403
            assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("file", ["frames.jsonl", "hidden.txt", "meta.json"])
def test_text_files_of_a_recording_that_lead_elsewhere_are_not_shown(site, folder, file):
    """A recording that somebody shared may have links to whatever."""
    link = folder / "walk" / file
    link.unlink(missing_ok=True)
    (folder.parent / "secret.json").write_text('{"secret": "nobody may read this"}')
    try:
        link.symlink_to(folder.parent / "secret.json")
    except OSError:
        pytest.skip("no links can be made here")
    address = f"{site()}/api/recordings/walk"
    for call in ("", "/frames"):
        answer = get(address + call)
        assert answer.status_code == 404
        assert SECRET not in answer.content
        assert f"walk/{file} leads out of the recording" in answer.json()["error"]


def test_a_recording_in_a_folder_that_is_a_link_is_shown(site, folder):
    (folder / "walk").rename(folder.parent / "elsewhere")
    try:
        (folder / "walk").symlink_to(folder.parent / "elsewhere")
    except OSError:
        pytest.skip("no links can be made here")
    assert get(f"{site()}/api/recordings/walk/frames").content == (WALK / "frames.jsonl").read_bytes()


def test_metadata_of_lists_within_lists_do_not_matter(site, folder):
    (folder / "walk" / "meta.json").write_text("[" * 100_000)
    address = site()
    assert get(f"{address}/api/recordings/walk").json()["meta"] == {}
    assert len(get(f"{address}/api/recordings").json()["recordings"]) == 1


def test_on_a_public_address_hiding_needs_the_token(site, folder):
    address = site(host="0.0.0.0") + "/api/recordings/walk"
    assert get(address + "/images/000003.jpeg").ok
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert post(address + "/hide", {"frames": ["all"]}, headers=headers).status_code == 401
    assert not (folder / "walk" / "hidden.txt").exists()
    right = {"Authorization": f"Bearer {site.token}"}
    assert post(address + "/hide", {"frames": ["all"]}, headers=right).json()["changed"] == 30
    assert get(address + "/hide").status_code == 405


def test_folders_are_shown_to_authorised_callers_only(site, folder):
    meta = json.loads((folder / "walk" / "meta.json").read_text())
    meta["settings"] = {"agent": {"vertical_fov": 60}, "recording": {"folder": str(folder)}}
    (folder / "walk" / "meta.json").write_text(json.dumps(meta))
    address = site(host="0.0.0.0") + "/api/recordings/walk"
    assert get(address).json()["meta"] == meta | {"settings": {"agent": {"vertical_fov": 60}}}
    assert get(address, headers={"Authorization": f"Bearer {site.token}"}).json()["meta"] == meta


def test_broken_recordings_are_listed_and_do_not_affect_others(site, folder):
    for name in ("no_meta", "no_lines", "nonsense", "growing", "no_file"):
        shutil.copytree(WALK, folder / name)
    (folder / "no_meta" / "meta.json").unlink()
    (folder / "no_lines" / "frames.jsonl").unlink()
    (folder / "nonsense" / "meta.json").write_text('{"started": {"a": NaN}, "model": [1], "ended": 5}')
    line = (WALK / "frames.jsonl").read_bytes().splitlines()[3]
    other_order = json.dumps(dict(reversed(json.loads(line).items()))).encode()
    (folder / "nonsense" / "hidden.txt").write_bytes(b"\xff 000003")
    (folder / "no_file" / "frames.jsonl").unlink()
    (folder / "no_file" / "frames.jsonl").mkdir()
    lines = [b"", b"\xff\xfe", b"[]", b'{"frame":"../x"}', other_order, line[:-30]]
    (folder / "nonsense" / "frames.jsonl").write_bytes(b"\n".join(lines))
    (folder / "no_run").mkdir()
    (folder / "file").write_text("x")
    growing = json.loads((folder / "growing" / "meta.json").read_text()) | {"ended": None}
    (folder / "growing" / "meta.json").write_text(json.dumps(growing))
    address = site() + "/api/recordings"
    claim = lock(folder / "growing")
    told = {each["name"]: each for each in get(address).json()["recordings"]}
    claim.release()
    assert set(told) == {"walk", "no_meta", "no_lines", "nonsense", "growing"}
    states = {name: each["state"] for name, each in told.items()}
    assert states["growing"] == "recording"
    assert states["no_meta"] == "interrupted"
    frames = {name: each["frames"] for name, each in told.items()}
    assert frames == {"walk": 30, "growing": 30, "no_meta": 30, "no_lines": 0, "nonsense": 1}
    assert get(address + "/no_lines/frames").content == b""
    answer = post(address + "/no_file/hide", {"frames": ["all"]})
    assert (answer.status_code, answer.json()["error"].split(":")[0]) == (500, "disk error")
    assert told["nonsense"]["hidden"] == 2
    assert get(address + "/nonsense").json()["meta"]["started"] == {"a": None}  # NaN is no JSON
    assert open_recording(folder / "nonsense").names == ["000003"]


def test_folders_that_may_not_be_entered_are_left_out_of_the_list(site, folder, forbid):
    (folder / "lost+found").mkdir()
    forbid(folder / "lost+found")
    assert [each["name"] for each in get(f"{site()}/api/recordings").json()["recordings"]] == ["walk"]


def test_a_growing_recording_is_read_from_where_the_last_summary_ended(tmp_path):
    shutil.copytree(WALK, tmp_path / "run")
    lines = (WALK / "frames.jsonl").read_bytes().splitlines(keepends=True)
    path, cache = tmp_path / "run" / "frames.jsonl", SummaryCache()
    path.write_bytes(b"".join(lines[:10]) + lines[10][:20])
    assert cache.summarise(tmp_path / "run").frames == 10
    with path.open("ab") as file:
        file.write(lines[10][20:] + b"".join(lines[11:]))
    assert cache.summarise(tmp_path / "run") == SummaryCache().summarise(tmp_path / "run")
    os.replace(shutil.copy(path, tmp_path / "shorter"), path)  # as recovery does
    assert cache.summarise(tmp_path / "run").frames == len(lines)


def test_a_folder_that_does_not_exist_yet_has_no_recordings(serve_with_dashboard, tmp_path):
    bridge = serve_with_dashboard(more=[Recordings(tmp_path / "none").pages()])
    address = f"http://127.0.0.1:{bridge.port}"
    assert get(address + "/api/recordings").json() == {"recordings": []}
    assert get(address + "/api/recordings/walk").status_code == 404
    for path in ("/recordings", "/recordings/walk", "/recordings/%3Cb%3E"):
        page = get(address + path)
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "<b>" not in page.text
