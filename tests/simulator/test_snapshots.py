"""Labelled frames of random scenes: readable, labelled, reproducible, with the requested composition."""

import cv2
import numpy as np
import pytest

from simulator.rendering.renderer import RendererError
from simulator.snapshots import Mixture, main, snapshots

pytestmark = pytest.mark.simulator


def target_pixels(frames) -> list[int]:
    return [int((frame.mask[..., 2] > 0).sum()) for frame in frames]


def test_files_are_pairs_that_can_be_read(tmp_path):
    assert main([str(tmp_path), "--count", "5", "--first", "7", "--per-city", "3", "--people", "10"]) == 0
    images, masks = (sorted((tmp_path / name).iterdir()) for name in ("images", "masks"))
    assert [file.name for file in images] == [f"{number:06d}.jpeg" for number in range(7, 12)]
    assert [file.stem for file in masks] == [file.stem for file in images]
    assert {file.suffix for file in masks} == {".png"}
    for image, mask in zip(images, masks, strict=True):
        assert cv2.imread(str(image)).shape == (256, 256, 3)
        labels = cv2.imread(str(mask))[..., ::-1]
        assert set(np.unique(labels)) <= {0, 255}
        assert np.all(labels.astype(int).sum(axis=2) == 255)


def test_errors_are_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file" / "folder"), "--count", "1"]) == 2
    assert capsys.readouterr().err.startswith("snapshots: [Errno")
    for ended_by, status in ((RendererError("there is no GPU here"), 2), (KeyboardInterrupt(), 130)):

        def ends(*arguments, error=ended_by):
            raise error

        monkeypatch.setattr("simulator.snapshots.Renderer", ends)
        assert main([str(tmp_path / "out"), "--count", "1"]) == status
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert ("no GPU" if status == 2 else "interrupted") in said
    with pytest.raises(SystemExit):
        main([str(tmp_path / "out"), "--per-city", "0"])


def test_frames_that_are_there_already_are_kept(tmp_path, capsys):
    kept = tmp_path / "masks" / "000003.png"
    kept.parent.mkdir()
    kept.write_bytes(b"a person's work")
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--count", "3", "--first", "2"])
    assert "000003.png is there already: give another folder, or the next free number" in capsys.readouterr().err
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [kept]
    assert kept.read_bytes() == b"a person's work"


def test_the_same_seed_gives_the_same_frames_and_another_others():
    one, again, other = (list(snapshots(2, seed, Mixture(people=5))) for seed in (3, 3, 4))
    assert all(np.array_equal(a.rgb, b.rgb) and np.array_equal(a.mask, b.mask) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0].rgb, other[0].rgb)


def test_a_series_goes_on_where_it_ended():
    mixture = Mixture(people=5, per_city=3)
    whole = [frame.rgb for frame in snapshots(5, 3, mixture)]
    parts = [frame.rgb for first, count in ((0, 2), (2, 3)) for frame in snapshots(count, 3, mixture, first=first)]
    assert all(np.array_equal(one, other) for one, other in zip(whole, parts, strict=True))


def test_the_target_is_in_the_requested_fraction_of_frames():
    assert not any(target_pixels(snapshots(12, 1, Mixture(target_fraction=0.0, people=5))))
    with_target = target_pixels(snapshots(24, 1, Mixture(target_fraction=1.0, people=5)))
    assert np.mean(np.array(with_target) > 3) > 0.75  # now and then something hides it


@pytest.mark.parametrize(("far_fraction", "low", "high"), [(0.0, 150, 20000), (1.0, 4, 250)])
def test_far_targets_are_small(far_fraction, low, high):
    seen = [count for count in target_pixels(snapshots(24, 2, Mixture(1.0, far_fraction, people=3))) if count > 3]
    assert low < np.median(seen) < high


def test_more_look_alikes_are_more_people_in_red():
    def red_pixels_of_people(look_alikes):
        red = total = 0
        for frame in snapshots(20, 5, Mixture(target_fraction=0.0, look_alikes=look_alikes)):
            colours = frame.rgb[frame.mask[..., 1] > 0].astype(int)
            red += ((colours[:, 0] > 60) & (colours[:, 0] > 2.2 * colours[:, 1:].max(axis=1))).sum()
            total += len(colours)
        return red / total

    assert red_pixels_of_people(1.0) > 3 * red_pixels_of_people(0.0)
