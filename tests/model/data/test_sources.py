"""Which frames are found, and which of them are held out."""

from pathlib import Path

import numpy as np
import pytest

from dataset.pairs import DatasetError, Pair, Source
from model.data.sources import collect, parse_source
from model.data.splits import hold_out
from tests.model.labelled_frames import draw_labels, paint, write_dataset, write_frame


def pairs_of(recording, count):
    return [Pair(f"{number:05d}", Source(recording), Source(recording), recording) for number in range(count)]


def test_by_default_a_twentieth_of_every_recording_is_held_out_in_blocks():
    pairs = pairs_of("a", 2000) + pairs_of("b", 60) + pairs_of("c", 19)
    held = sorted(hold_out(pairs)[0])
    assert [pairs[row].recording for row in held].count("a") == 100
    assert [pairs[row].recording for row in held].count("b") == 3
    assert [pairs[row].recording for row in held].count("c") == 0
    assert np.count_nonzero(np.diff(held) > 1) == 2  # two blocks of a, one of b
    assert hold_out(pairs) == (set(held), set())


def test_held_out_frames_are_not_trained_on(tmp_path):
    folder = write_dataset(tmp_path / "train", 40, size=64)
    sources = collect([str(folder)])
    assert (len(sources.train), len(sources.validation)) == (38, 2)
    assert not {each.pair.name for each in sources.train} & {each.pair.name for each in sources.validation}
    assert not collect([str(folder)], hold_out_by_default=False).validation
    chosen = collect([str(folder)], hold_out=["train"])
    assert (len(chosen.train), len(chosen.validation)) == (0, 40)
    with pytest.raises(DatasetError, match="no recording is called nowhere; there are train"):
        collect([str(folder)], hold_out=["nowhere"])


def test_a_recording_is_held_out_by_its_name_not_by_that_of_another(tmp_path):
    labels = draw_labels(np.random.default_rng(0), 32)
    for run in ("0_run1", "0_run10", "1_run2"):
        for number in range(2):
            write_frame(
                tmp_path / "train", f"{run}_cam1_{number}.png", f"{run}_mask_{number}.png", paint(labels), labels
            )
    for run in ("far", "far-2"):
        write_frame(tmp_path / "runs" / run, "000000.png", "000000.png", paint(labels), labels)
    given = [str(tmp_path / "train")], [str(tmp_path / "runs")]

    def held(*names):
        return sorted({each.pair.recording for each in collect(*given, hold_out=names).validation})

    assert held("run1") == ["train/0_run1"]
    assert held("far") == ["runs/far"]
    assert held("train/0_run10", "far-2") == ["runs/far-2", "train/0_run10"]
    assert held("0_run") == ["train/0_run1", "train/0_run10"]
    assert collect(*given, hold_out=["far"]).notes == ("held out: runs/far",)
    with pytest.raises(DatasetError, match="no recording is called run3; there are runs/far, "):
        held("run1", "run3")


def test_recordings_are_drawn_as_often_as_other_data_within_limits(tmp_path):
    many = write_dataset(tmp_path / "many", 30, size=32)
    few, one = write_dataset(tmp_path / "few", 10, size=32, seed=1), write_dataset(tmp_path / "one", 1, size=32, seed=2)
    weights = [frame.weight for frame in collect([f"{many}:2"], [str(few)], hold_out_by_default=False).train]
    assert sum(weights[:30]) == pytest.approx(sum(weights[30:]))
    sources = collect([str(many)], [str(one)], hold_out_by_default=False)
    assert [frame.weight for frame in sources.train] == [1.0] * 30 + [10.0]


@pytest.mark.parametrize(("held_out", "others"), [("b", 45), ("many", 15)])
def test_recordings_that_are_held_out_do_not_change_how_often_the_others_are_drawn(tmp_path, held_out, others):
    folders = [
        str(write_dataset(tmp_path / name, count, size=32, seed=seed))
        for seed, (name, count) in enumerate((("many", 30), ("more", 15), ("a", 5), ("b", 10)))
    ]
    weights = [frame.weight for frame in collect(folders[:2], folders[2:], hold_out=[held_out]).train]
    assert sum(weights[:others]) == pytest.approx(sum(weights[others:]))


def test_weights_of_sources(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("train.zip", "2026-11-26_10", "2026-11-26_10:30"):
        Path(name).touch()
    assert parse_source("train.zip") == (Path("train.zip"), 1.0)
    assert parse_source("train.zip:0.5") == (Path("train.zip"), 0.5)
    assert parse_source("2026-11-26_10:30") == (Path("2026-11-26_10:30"), 1.0)  # it exists as it stands
    assert parse_source("2026-11-26_10:30:2") == (Path("2026-11-26_10:30"), 2.0)
    assert parse_source("absent.zip:2") == (Path("absent.zip:2"), 1.0)  # which is then said not to exist
    for wrong in ("-1", "0", "x", "nan"):
        with pytest.raises(DatasetError, match=f"above 0 .* got {wrong}"):
            parse_source(f"train.zip:{wrong}")


def test_an_empty_source_is_a_problem_not_a_crash(tmp_path):
    labels = draw_labels(np.random.default_rng(0), 32)
    write_frame(tmp_path / "new", "a_cam1_0.png", "a_mask_0.png", paint(labels), labels)
    (tmp_path / "new" / "hidden.txt").write_text("a_0\n")
    old = write_dataset(tmp_path / "old", 2, size=32)
    sources = collect([str(old)], [str(tmp_path / "new")])
    assert [(problem.kind, problem.file) for problem in sources.problems] == [("empty", str(tmp_path / "new"))]
