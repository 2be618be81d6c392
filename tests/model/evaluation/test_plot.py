"""Plots of trainings and evaluations show the numbers of the files; other files are one sentence."""

import json

import cv2
import pytest

from model.plot import main, plot_sizes, plot_trainings


def write_run(folder, scores):
    folder.mkdir()
    lines = ["epoch,minutes,loss,score", *(f"{i},{i * 0.5},1.0,{score}" for i, score in enumerate(scores, 1))]
    (folder / "results.csv").write_text("\n".join(lines) + "\n")


def evaluation(name, ious):
    bands = {f"band {i}": {"frames": 10 + i, "detected": i, "hero_iou": iou} for i, iou in enumerate(ious)}
    return {"model": name, "by_size": bands}


def test_a_training_is_a_line_through_the_epochs_that_were_measured(tmp_path):
    write_run(tmp_path / "slow", [0.1, "", 0.3])
    write_run(tmp_path / "fast", [0.4])
    figure = plot_trainings([str(tmp_path / "slow"), f"{tmp_path / 'fast'}=the quick one"])
    slow, fast = figure.axes[0].lines
    assert slow.get_xydata().tolist() == [[0.5, 0.1], [1.5, 0.3]]
    assert fast.get_xydata().tolist() == [[0.5, 0.4]]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["slow", "the quick one"]


def test_an_evaluation_is_a_bar_for_each_model_and_size(tmp_path):
    file = tmp_path / "evaluation.json"
    file.write_text(json.dumps([evaluation("old", [0.1, 0.2]), evaluation("new", [0.3, 0.4])]))
    axes = plot_sizes(file, ["before", "after"]).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.1, 0.2, 0.3, 0.4]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["band 0\n10 frames", "band 1\n11 frames"]


def test_the_commands_write_pictures(tmp_path):
    write_run(tmp_path / "run", [0.1, 0.2])
    (tmp_path / "evaluation.json").write_text(json.dumps([evaluation("one", [0.5])]))
    assert main(["trainings", str(tmp_path / "run"), "--out", str(tmp_path / "new" / "a.png")]) == 0
    assert main(["sizes", str(tmp_path / "evaluation.json"), "--out", str(tmp_path / "b.png")]) == 0
    assert all(cv2.imread(str(tmp_path / name)) is not None for name in ("new/a.png", "b.png"))


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("{", []),
        ("[1]", []),
        ('[{"model": "a"}]', []),
        ("[]", []),
        (json.dumps([evaluation("a", [1])]), ["--names", "a", "b"]),
    ],
)
def test_another_file_is_one_sentence(tmp_path, capsys, content, names):
    (tmp_path / "file.json").write_text(content)
    arguments = ["sizes", str(tmp_path / "file.json"), *names, "--out", str(tmp_path / "x.png")]
    assert main(arguments) == 2
    assert "file.json" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_a_folder_that_is_no_measured_training_is_one_sentence(tmp_path, capsys):
    write_run(tmp_path / "run", ["", ""])
    assert main(["trainings", str(tmp_path / "run"), "--out", str(tmp_path / "x.png")]) == 2
    assert "run" in capsys.readouterr().err
