"""Labels over HTTP: they are saved exactly, whoever comes second is told, and what does not fit is refused."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

from dashboard.recordings.routes import Recordings
from dataset.masks.labels import decode_labels
from dataset.masks.runs import labels_of_runs, runs_of_labels
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import lock
from dataset.recordings.recording import open_recording
from dataset.review.relabelling import NewLabels, read_log, replace_labels
from dataset.schema import HERO, PEOPLE
from tests.walk import SIZE

WALK = Path(__file__).parents[2] / "dataset" / "recordings" / "walk"
PIXELS = SIZE * SIZE


@pytest.fixture
def walk(tmp_path):
    return Path(shutil.copytree(WALK, tmp_path / "runs" / "walk"))


@pytest.fixture
def site(serve_with_dashboard, walk):
    """Start a bridge with the recording; return the address of the calls about it."""

    def start(**options) -> str:
        bridge = serve_with_dashboard(more=[Recordings(walk.parent).pages()], **options)
        return f"http://127.0.0.1:{bridge.port}/api/recordings/walk"

    return start


def get(address: str) -> requests.Response:
    return requests.get(address, timeout=30)


def post(address: str, body: object) -> requests.Response:
    return requests.post(address, json=body, timeout=30)


def on_disk(walk: Path, frame: str) -> np.ndarray:
    return decode_labels((walk / "masks" / f"{frame}.png").read_bytes(), (SIZE, SIZE))


def noise(seed: int) -> np.ndarray:
    """Labels of more runs than any person draws."""
    return np.random.default_rng(seed).integers(0, 3, (SIZE, SIZE)).astype(np.uint8)


@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_labels_are_read_and_saved_exactly(site, walk, async_mode):
    address = f"{site(async_mode=async_mode)}/labels/000003"
    told = get(address).json()
    np.testing.assert_array_equal(labels_of_runs(told["runs"], told["size"]), on_disk(WALK, "000003"))
    assert (told["label_source"], told["old"]) == ("model", [])
    new = noise(1)
    answer = post(address, {"runs": runs_of_labels(new), "revision": told["revision"], "by": "Ada"}).json()
    np.testing.assert_array_equal(on_disk(walk, "000003"), new)
    assert (answer["label_source"], answer["labelled_by"]) == ("person", "Ada")
    assert [(old["label_source"], old["replaced_by"]) for old in answer["old"]] == [("model", "Ada")]
    assert answer == get(address).json()
    record = open_recording(walk).frames[3]
    assert record.hero_pixels == np.count_nonzero(new == HERO)
    assert record.people_pixels == np.count_nonzero(new == PEOPLE)


def test_the_second_of_two_is_told_and_the_first_ones_labels_stay(site, walk):
    address = f"{site()}/labels/000003"
    revision = get(address).json()["revision"]
    bodies = [{"runs": runs_of_labels(noise(seed)), "revision": revision, "by": f"person {seed}"} for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda body: post(address, body), bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    (first,) = (seed for seed, answer in enumerate(answers) if answer.ok)
    np.testing.assert_array_equal(on_disk(walk, "000003"), noise(first))
    for answer in answers:
        if not answer.ok:
            assert f"were changed by person {first} since you loaded them" in answer.json()["error"]
    assert len(read_log(walk)) == 1


def test_somebody_elses_consent_to_the_labels_counts_as_a_change(site, walk):
    address = f"{site()}/labels/000003"
    before = get(address).json()
    assert post(address, {"runs": before["runs"], "revision": before["revision"], "by": "Ada"}).ok
    late = post(address, {"runs": [0, PIXELS], "revision": before["revision"], "by": "Bob"})
    assert late.status_code == 409
    assert "changed by Ada" in late.json()["error"]


def test_a_save_that_is_repeated_because_the_answer_was_lost_is_no_conflict(site, walk):
    address = f"{site()}/labels/000003"
    body = {"runs": [0, PIXELS], "revision": get(address).json()["revision"], "by": "Ada"}
    assert [post(address, body).status_code for _ in range(2)] == [200, 200]
    assert len(read_log(walk)) == 1


def test_different_frames_are_saved_at_the_same_time(site, walk):
    address = site()
    frames = open_recording(walk).names[:8]

    def save(frame: str) -> int:
        revision = get(f"{address}/labels/{frame}").json()["revision"]
        return post(f"{address}/labels/{frame}", {"runs": [0, PIXELS], "revision": revision}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(save, frames)) == [200] * 8
    records = open_recording(walk).frames
    assert [record.label_source for record in records] == ["person"] * 8 + ["model"] * (len(records) - 8)


def test_a_save_costs_no_more_in_a_long_recording(site, walk, monkeypatch):
    """Of the lines of all frames, thousands, only those of the one frame are parsed and written."""
    address = f"{site()}/labels/000003"
    parse, write, used = FrameRecord.from_line, FrameRecord.to_line, []
    monkeypatch.setattr(FrameRecord, "from_line", lambda line: used.append(line) or parse(line))
    monkeypatch.setattr(FrameRecord, "to_line", lambda record: used.append(write(record)) or used[-1])
    told = get(address).json()
    assert post(address, {"runs": [0, PIXELS], "revision": told["revision"], "by": "Ada"}).ok
    assert {json.loads(line)["frame"] for line in used} == {"000003"}
    assert len(used) < 10


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([0, PIXELS - 1], "expected labels of 65536 pixels (256 rows of 256), got 65535"),
        ([0, PIXELS, 1], "odd count of numbers"),
        ([0, PIXELS - 1, 3, 1], "expected the classes 0 to 2 in runs of labels, got 3"),
        ([0, -1, 0, PIXELS + 1], "expected labels of 65536 pixels"),
        ([0, 2**62, 0, 2**62], "expected labels of 65536 pixels"),
        ([0, 10**30], "expected"),
        ([], "expected"),
        ([0, PIXELS + 2, 1, -2], "expected labels of 65536 pixels"),
        (["0", PIXELS], "expected"),
        ([0.5, PIXELS], "expected"),
        (None, "expected"),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_a_sentence(site, walk, runs, message):
    address = f"{site()}/labels/000003"
    answer = post(address, {"runs": runs, "revision": get(address).json()["revision"]})
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert (walk / "masks" / "000003.png").read_bytes() == (WALK / "masks" / "000003.png").read_bytes()


def without_size(walk: Path) -> None:
    """Let the walk be one of wider frames whose size nobody has written down; its mask of frame 3 is damaged."""
    meta = json.loads((walk / "meta.json").read_text())
    del meta["frame_size"]
    (walk / "meta.json").write_text(json.dumps(meta))
    image = np.full((SIZE, 2 * SIZE, 3), 90, np.uint8)
    (walk / "images" / "000003.jpeg").write_bytes(cv2.imencode(".jpeg", image)[1].tobytes())
    (walk / "masks" / "000003.png").write_bytes(b"damaged")


def test_without_a_size_in_the_metadata_labels_have_that_of_the_image(site, walk):
    without_size(walk)
    address = f"{site()}/labels/000003"
    told = get(address).json()
    assert (told["size"], told["runs"]) == ([SIZE, 2 * SIZE], None)
    assert post(address, {"runs": [0, PIXELS], "revision": told["revision"]}).status_code == 400
    assert post(address, {"runs": [0, 2 * PIXELS], "revision": told["revision"]}).json()["runs"] == [0, 2 * PIXELS]


@pytest.mark.parametrize("missing", ["masks/000003.png", "masks"])
def test_a_frame_without_a_mask_file_is_shown_and_labelled(site, walk, missing):
    shutil.rmtree(walk / missing) if missing == "masks" else (walk / missing).unlink()
    address = f"{site()}/labels/000003"
    told = get(address).json()
    assert (told["runs"], told["label_source"]) == (None, "model")
    answer = post(address, {"runs": [0, PIXELS], "revision": told["revision"], "by": "Ada"})
    assert (answer.status_code, answer.json()["runs"], answer.json()["old"]) == (200, [0, PIXELS], [])
    assert not on_disk(walk, "000003").any()


def test_without_a_size_anywhere_labels_are_refused(site, walk):
    without_size(walk)
    (walk / "images" / "000003.jpeg").write_bytes(b"damaged")
    answer = post(f"{site()}/labels/000003", {"runs": [0, PIXELS], "revision": ""})
    assert answer.status_code == 400
    assert "000003.jpeg is not a JPEG or PNG image" in answer.json()["error"]
    assert (walk / "masks" / "000003.png").read_bytes() == b"damaged"


@pytest.mark.parametrize("frame", ["000099", "x", "%2e%2e%2fmeta"])
def test_frames_that_do_not_exist_are_told(site, frame):
    address = f"{site()}/labels/{frame}"
    for answer in (
        get(address),
        post(address, {"runs": [0, PIXELS], "revision": ""}),
        post(f"{address}/restore", {"revision": ""}),
    ):
        assert answer.status_code == 404


def test_a_recording_that_is_being_written_is_left_alone(site, walk):
    address = f"{site()}/labels/000003"
    revision = get(address).json()["revision"]
    claim = lock(walk)
    try:
        answer = post(address, {"runs": [0, PIXELS], "revision": revision})
    finally:
        claim.release()
    assert answer.status_code == 400
    assert "walk is being written by another process: wait until it ends" in answer.json()["error"]
    assert read_log(walk) == []


def test_restored_labels_are_the_ones_before(site, walk):
    address = f"{site()}/labels/000003"
    before = get(address).json()
    saved = post(address, {"runs": [0, PIXELS], "revision": before["revision"]}).json()
    restored = post(f"{address}/restore", {"revision": saved["revision"]}).json()
    assert (restored["runs"], restored["label_source"]) == (before["runs"], "model")


def test_labels_that_somebody_else_has_saved_meanwhile_are_not_restored_away(site, walk):
    address = f"{site()}/labels/000003"
    seen_by_ada = get(address).json()["revision"]
    assert post(address, {"runs": [0, PIXELS], "revision": seen_by_ada, "by": "Bob"}).ok
    answer = post(f"{address}/restore", {"revision": seen_by_ada})
    assert answer.status_code == 409
    assert "changed by Bob" in answer.json()["error"]
    assert get(address).json()["runs"] == [0, PIXELS]


def test_somebody_elses_consent_is_not_restored_away(site, walk):
    """The labels of the last change are restored, and are those that somebody has accepted meanwhile."""
    replace_labels(open_recording(walk), [NewLabels("000003", noise(1), "model", "net")])
    replace_labels(open_recording(walk), [NewLabels("000003", noise(1), "propagated", "Bob")])
    address = f"{site()}/labels/000003"
    seen_by_ada = get(address).json()
    assert post(address, {"runs": seen_by_ada["runs"], "revision": seen_by_ada["revision"], "by": "Bob"}).ok
    answer = post(f"{address}/restore", {"revision": seen_by_ada["revision"]})
    assert answer.status_code == 409
    assert "changed by Bob" in answer.json()["error"]
    assert get(address).json()["label_source"] == "person"


def test_only_labels_that_somebody_has_looked_at_are_copied_forward(site, walk):
    address = f"{site()}/labels/000003"
    answer = post(f"{address}/propagate", {"frames": 2})
    assert answer.status_code == 400
    assert "nobody has looked at the labels of frame 000003: accept or correct them first" in answer.json()["error"]
    assert read_log(walk) == []
    told = get(address).json()
    post(address, {"runs": told["runs"], "revision": told["revision"]})
    assert post(f"{address}/propagate", {"frames": 2}).json()["propagated"] == ["000004", "000005"]
    sources = [record.label_source for record in open_recording(walk).frames[2:7]]
    assert sources == ["model", "person", "propagated", "propagated", "model"]


def test_only_holders_of_the_token_change_labels(site, walk):
    address = site(host="0.0.0.0")
    told = get(f"{address}/labels/000003").json()
    for call, body in (
        ("", {"runs": [0, PIXELS], "revision": told["revision"]}),
        ("/restore", {"revision": ""}),
        ("/propagate", {}),
    ):
        assert post(f"{address}/labels/000003{call}", body).status_code == 401
    assert get(f"{address}/suspicious").ok


def test_a_corrected_frame_is_no_longer_suspicious(site, walk):
    address = site()
    frame = get(f"{address}/suspicious").json()["frames"][0]["frame"]
    told = get(f"{address}/labels/{frame}").json()
    assert post(f"{address}/labels/{frame}", {"runs": told["runs"], "revision": told["revision"]}).ok
    assert frame not in [each["frame"] for each in get(f"{address}/suspicious").json()["frames"]]
