"""Which set a frame belongs to, and which frames cannot be used."""

import cv2
import numpy as np
import pytest

from dataset.recordings.frame_record import FrameRecord
from model.evaluate import main
from model.evaluation.measure import read_data
from model.evaluation.results import ALL_FRAMES, OFFICIAL_SETS
from tests.model.evaluation.synthetic import SIZE, evaluate, write_frame


@pytest.mark.parametrize("missing", OFFICIAL_SETS)
def test_a_missing_official_set_is_named(official, missing):
    (official / missing).rename(official.parent / "elsewhere")
    with pytest.raises(ValueError, match=f"{missing} is missing"):
        evaluate(official)


def test_frames_beside_the_official_sets_are_refused(official):
    write_frame(official / "more", "c")
    with pytest.raises(ValueError, match="lies beside"):
        evaluate(official)


def test_one_official_set_alone_is_plain_data(official):
    evaluation = evaluate(official / "patrol_with_targ")
    assert list(evaluation.sets) == [ALL_FRAMES]
    assert evaluation.final_score is None
    assert evaluation.sets[ALL_FRAMES].hero_iou == 0.25


def test_frames_that_are_wrong_are_all_named_before_anything_is_measured(tmp_path, weights, capsys):
    folder = tmp_path / "data[old]"  # a name that rich could take for a style
    for name in "abcde":
        write_frame(folder, name, ground_truth=(0, 0, 8, 8))
    (folder / "images" / "a_cam1_1.png").write_bytes(b"not a picture")
    cv2.imwrite(str(folder / "masks" / "b_mask_1.png"), np.full((SIZE, SIZE, 3), 77, np.uint8))
    (folder / "masks" / "c_mask_1.png").unlink()
    assert main([str(weights), str(folder)]) == 2
    printed, complaint = capsys.readouterr()
    assert "1 x no mask, 1 x unreadable, 1 x colours" in complaint
    for name in ("a_cam1_1.png", "b_mask_1.png", "c_cam1_1.png", "--skip-bad"):
        assert name in complaint
    assert printed.strip() == ""
    assert main([str(weights), str(folder), "--skip-bad"]) == 0
    printed = capsys.readouterr().out
    assert f"{folder / 'images' / 'c_cam1_1.png'}: no partner" in printed
    assert "│ all frames │      2 │" in printed


def test_pseudo_labels_are_reported(tmp_path, weights, capsys):
    write_frame(tmp_path, "a", ground_truth=(0, 0, 8, 8))
    (tmp_path / "frames.jsonl").write_bytes(FrameRecord("a_cam1_1", "a_cam1_1.png", "model", 0, 0).to_line())
    assert main([str(weights), str(tmp_path)]) == 0
    assert "1 of 1 masks are pseudo-labels" in capsys.readouterr().out


def test_limit_spreads_over_the_data(tmp_path):
    for index in range(9):
        write_frame(tmp_path, f"f{index}")
    pairs, names = read_data(tmp_path, 3)
    assert [pair.name for pair in pairs] == ["f0_1", "f4_1", "f8_1"]
    assert len(names) == 3
