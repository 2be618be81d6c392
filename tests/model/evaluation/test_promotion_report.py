"""The report on a retrained model."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from model.evaluation.promotion import compare
from model.evaluation.promotion_report import write_report
from tests.model.evaluation.synthetic import PredictsRed, evaluate, write_frame


@pytest.fixture
def write(tmp_path):
    """Writes the report on a model of this name, which gained a frame; its folder is the result."""
    write_frame(tmp_path / "data", "a", ground_truth=(4, 4, 12, 12))
    after = evaluate(tmp_path / "data")
    missed = replace(after.results[0], score=replace(after.results[0].score, iou=(0.0, 0.0, 0.0)))
    before = replace(after, results=(missed,))

    def write(name):
        (tmp_path / "run").mkdir(exist_ok=True)
        models = [PredictsRed(), PredictsRed()]
        write_report(tmp_path / "run", name, ["**Promoted**"], compare(before, after), [before, after], [], models)
        return tmp_path / "run"

    return write


def test_a_name_that_is_no_valid_text_is_in_the_report(write):
    """It is in the system's own encoding, of a model that was found to be better: that must not fail here."""
    assert "# Retraining of f\\udce4.h5" in (write("f\udce4.h5") / "retrain.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("whole", [0, 1])
def test_a_picture_that_cannot_be_written_leaves_the_old_one(write, monkeypatch, whole):
    folder, save, saved = write("one.h5"), Image.Image.save, []
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def cut_off(picture, file, **options):
        saved.append(file)
        if len(saved) <= whole:
            return save(picture, file, **options)
        Path(file).write_bytes(b"half a picture")
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", cut_off)
    with pytest.raises(OSError, match="No space"):
        write("two.h5")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
