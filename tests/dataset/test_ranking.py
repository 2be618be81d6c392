"""Which labels are suspected, and why: errors that are put into a recording are found, and what is right is left."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dataset.__main__ import main
from dataset.masks.labels import decode_labels
from dataset.recordings.recording import open_recording, write_hidden
from dataset.review.label_issue import LabelIssue
from dataset.review.network_findings import finding_on, write_network_findings
from dataset.review.ranking import suspect_frames
from dataset.review.relabelling import NewLabels, replace_labels
from dataset.schema import HERO, PEOPLE
from tests.walk import SIZE, UNSEEN

WALK = Path(__file__).with_name("recordings") / "walk"


@pytest.fixture
def walk(tmp_path):
    return Path(shutil.copytree(WALK, tmp_path / "walk"))


def labels_of(walk: Path, frame: str) -> np.ndarray:
    return decode_labels((walk / "masks" / f"{frame}.png").read_bytes(), (SIZE, SIZE))


def put(walk: Path, number: int, change) -> None:
    """Change the pseudo-labels of a frame."""
    labels = labels_of(walk, f"{number:06}")
    change(labels)
    replace_labels(open_recording(walk), [NewLabels(f"{number:06}", labels, "model", "")])


def reasons(walk: Path) -> dict[int, str]:
    return {int(each.frame): "; ".join(each.reasons) for each in suspect_frames(open_recording(walk))}


def change_records(walk: Path, **changes: dict) -> None:
    """Change keys of lines of frames.jsonl; the names of arguments are numbers of frames after an f."""
    lines = [json.loads(line) for line in (walk / "frames.jsonl").read_text().splitlines()]
    for name, values in changes.items():
        lines[int(name[1:])] |= values
    (walk / "frames.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_clean_flight_is_hardly_suspected(walk):
    assert set(reasons(walk)) <= {*UNSEEN, UNSEEN.stop}  # only where the target is hidden, and comes back


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda labels: labels[20:30, 200:212].fill(HERO), "2 groups of pixels far apart are labelled as the target"),
        (lambda labels: labels[:180].fill(0), "no target, but it is there before and after, 0.4 s apart"),
        (
            lambda labels: labels.__setitem__(
                (labels == HERO) & (np.arange(SIZE) < np.nonzero(labels == HERO)[1].mean()), PEOPLE
            ),
            "one person is labelled partly as the target",
        ),
    ],
)
def test_an_error_in_a_mask_is_found_and_named(walk, change, reason):
    put(walk, 6, change)
    assert reason in reasons(walk)[6]


def test_a_target_for_a_moment_is_found(walk):
    put(walk, 16, lambda labels: labels[100:120, 100:110].fill(HERO))
    for number in (*range(8, 16), *range(17, 25)):
        put(walk, number, lambda labels: labels.fill(0))
    found = reasons(walk)[16]
    assert "a target for a moment" in found
    assert "that the follower did not take for one" in found


def test_what_the_follower_recorded_is_taken_into_account(walk):
    record = open_recording(walk).frames[6]
    far = [record.world_point[0] + 30, *record.world_point[1:]]
    detection = dataclasses.asdict(open_recording(walk).frames[3].detection)
    change_records(walk, f6={"world_point": far}, f3={"detection": detection | {"confidence": 0.55}})
    found = reasons(walk)
    assert "the target jumps" in found[6]
    assert "unsure of the target: 55%" in found[3]


def test_a_target_that_is_too_tall_for_its_depth_is_found(walk):
    change_records(
        walk, f6={"range": {"metres": 60.0, "source": "depth"}}, f8={"range": {"metres": 60.0, "source": "height"}}
    )
    assert "m tall at its depth of 60 m" in reasons(walk)[6]
    assert 8 not in reasons(walk)


def test_heights_are_compared_with_that_of_the_target_of_the_flight(walk):
    metres = open_recording(walk).frames[6].range.metres
    change_records(walk, f6={"range": {"metres": 3 * metres, "source": "depth"}})
    assert "m tall at its depth" in reasons(walk)[6]
    meta = json.loads((walk / "meta.json").read_text())
    meta["settings"] = {"agent": {"target_height": 4.8}}
    (walk / "meta.json").write_text(json.dumps(meta))
    assert "m tall at its depth" not in reasons(walk).get(6, "")


def test_ground_truth_and_hidden_frames_are_not_suspected(walk):
    for number in (5, 6, 7):
        put(walk, number, lambda labels: labels[20:30, 200:212].fill(HERO))
    assert {5, 6, 7} <= set(reasons(walk))
    replace_labels(open_recording(walk), [NewLabels("000005", labels_of(walk, "000005"), "person", "Ada")])
    write_hidden(walk, {"000006"})
    assert 7 in reasons(walk)
    assert not {5, 6} & set(reasons(walk))


def test_of_one_moment_the_worst_frame_comes_first_and_another_moment_next(walk):
    for number in (5, 6, 27):
        put(walk, number, lambda labels: labels[20:30, 200:212].fill(HERO))
    put(walk, 5, lambda labels: labels[25:27, 200:212].fill(PEOPLE))
    order = [int(each.frame) for each in suspect_frames(open_recording(walk)) if int(each.frame) in (5, 6, 27)]
    assert order == [5, 27, 6]
    priorities = [each.priority for each in suspect_frames(open_recording(walk))]
    assert priorities == sorted(priorities, reverse=True)


def test_opinions_of_networks_count_until_the_labels_are_others(walk):
    records = open_recording(walk).frames
    write_network_findings(
        walk, [finding_on(records[number], LabelIssue("caf\udce9.h5 sees no target", 0.9)) for number in (4, 27)]
    )
    with (walk / "network_findings.jsonl").open("a") as file:
        file.write('{"frame": "000005"\nnonsense\n')
    first, second = suspect_frames(open_recording(walk))[:2]
    assert {first.frame, second.frame} == {"000004", "000027"}
    assert first.reasons == (r"caf\udce9.h5 sees no target",)
    put(walk, 4, lambda labels: labels[:10, :10].fill(PEOPLE))
    assert 4 not in reasons(walk)


def test_the_command_lists_the_best_frames_of_several_recordings(walk, tmp_path, capsys):
    shutil.copytree(walk, tmp_path / "other")
    put(walk, 6, lambda labels: labels[20:30, 200:212].fill(HERO))
    (walk / "masks" / "000007.png").write_bytes(b"no mask")
    assert main(["suspicious", str(walk), str(tmp_path / "other"), "--limit", "2"]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "walk 000007 1.00 the mask cannot be read" in output
    assert "of 30 pseudo-labelled frames are suspicious" in output
    assert output.count("0000") == 2
    assert main(["suspicious", str(tmp_path / "nowhere")]) == 2


def test_a_recording_without_poses_times_or_detections_is_read(walk):
    empty = {"timestamp": None, "received": None, "pose": None, "gimbal_pose": None, "detection": None, "range": None}
    change_records(walk, **{f"f{number}": empty | {"world_point": None, "state": None} for number in range(30)})
    put(walk, 6, lambda labels: labels[20:30, 200:212].fill(HERO))
    assert "2 groups" in reasons(walk)[6]
