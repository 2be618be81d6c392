"""The command `model.evaluate`: its files, options and errors."""

import importlib
import json
import os
import re
import sys

import cv2
import pytest

from model.evaluate import main
from tests.model.evaluation.synthetic import write_frame

pytestmark = pytest.mark.slow


def test_names_are_not_markup(tmp_path, weights, capsys):
    write_frame(tmp_path, "a", ground_truth=(0, 0, 8, 8))
    models = [tmp_path / folder / "x].h5" for folder in ("[", "[red]")]  # the same name: listed with their folders
    for model in models:
        model.parent.mkdir()
        model.write_bytes(weights.read_bytes())
    assert main([*map(str, models), str(tmp_path)]) == 0
    printed = "".join(re.split(r"[\s│]+", capsys.readouterr().out))  # the terminal is narrow
    assert "[/x].h5,32x32" in printed
    assert "[red]/x].h5,32x32" in printed


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are no text")
def test_a_model_whose_name_is_no_text_gets_its_curve(official, weights, tmp_path, capsys):
    model = tmp_path / os.fsdecode(b"caf\xe9.h5")
    model.write_bytes(weights.read_bytes())
    assert main([str(model), str(official), "--curves", str(tmp_path / "curves.png")]) == 0
    assert "caf\\udce9.h5, 32x32" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "curves.png")) is not None


def test_pictures_that_cannot_be_drawn_cost_no_tables(official, weights, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr("model.evaluate.write_curves", fail)
    assert main([str(weights), str(official), "--curves", str(tmp_path / "curves.png")]) == 2
    printed = capsys.readouterr()
    assert "0.3750" in printed.out
    assert "the disk is full" in printed.err


@pytest.mark.parametrize(
    ("module", "path"),
    [("evaluate", "evaluate"), ("compare", "compare"), ("export", "export.__main__")],
)
def test_ctrl_c_is_one_line_and_130(tmp_path, monkeypatch, capsys, module, path):
    def interrupted(*_):
        raise KeyboardInterrupt

    command = importlib.import_module(f"model.{path}")
    monkeypatch.setattr(command, module, interrupted)
    given = {"evaluate": ["w.h5", "data"], "compare": ["a.h5", "b.h5", "data", "--out", "out"]}
    assert command.main(given.get(module, ["w.h5", "--calibration", "data"])) == 130
    assert capsys.readouterr().err == f"{module}: interrupted\n"


def test_the_command_writes_all_it_is_asked_for(official, weights, tmp_path, capsys):
    out = tmp_path / "out"
    files = [f"--{kind}={out / f'report.{kind}'}" for kind in ("json", "markdown", "html")]
    assert main([str(weights), str(official), *files, "--worst", "3", str(out / "worst")]) == 0
    printed = capsys.readouterr().out
    assert "red.h5, 32x32" in printed
    assert "0.3750" in printed
    (entry,) = json.loads((out / "report.json").read_text())
    assert entry["final_score"] == pytest.approx(0.375)
    assert entry["sets"]["patrol_with_targ"]["false_negatives"] == 1
    assert "0.3750" in (out / "report.markdown").read_text()
    assert "data:image/png;base64," in (out / "report.html").read_text()
    assert cv2.imread(str(out / "worst" / "red.h5.png")) is not None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{weights}", "{root}/nowhere"], "nowhere does not exist"),
        (["{root}/no_model.h5", "{root}"], "no weights file"),
        (["{weights}", "{weights}"], "expected a folder or a .zip"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_exit_2(official, weights, capsys, arguments, sentence):
    assert main([each.format(weights=weights, root=official) for each in arguments]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("evaluate: ")
    assert sentence in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--worst", "many", "out"], ["--worst", "0", "out"]])
def test_bad_options_are_refused(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["weights.h5", "data", *arguments])
    assert "expect" in capsys.readouterr().err.splitlines()[-1]
