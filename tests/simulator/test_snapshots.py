"""Labelled frames of random moments: readable, labelled, repeatable, mixed as asked."""

import cv2
import numpy as np
import pytest

from simulator.rendering import RendererError
from simulator.snapshots import Mixture, main, snapshots


def hero_pixels(frames) -> list[int]:
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


def test_what_keeps_it_from_drawing_is_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file" / "folder"), "--count", "1"]) == 2
    assert capsys.readouterr().err.startswith("snapshots: [Errno")
    for ended_by, status in ((RendererError("there is no GPU here"), 2), (KeyboardInterrupt(), 130)):

        def ends(*arguments, error=ended_by):
            raise error

        monkeypatch.setattr("simulator.snapshots.make_renderer", ends)
        assert main([str(tmp_path / "out"), "--count", "1"]) == status
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert ("no GPU" if status == 2 else "interrupted") in said
    with pytest.raises(SystemExit):
        main([str(tmp_path / "out"), "--per-city", "0"])


def test_the_same_seed_gives_the_same_frames_and_another_others():
    one, again, other = (list(snapshots(2, seed, Mixture(people=5))) for seed in (3, 3, 4))
    assert all(np.array_equal(a.rgb, b.rgb) and np.array_equal(a.mask, b.mask) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0].rgb, other[0].rgb)


def test_the_hero_is_there_as_often_as_asked():
    assert not any(hero_pixels(snapshots(12, 1, Mixture(hero_share=0.0, people=5))))
    with_hero = hero_pixels(snapshots(24, 1, Mixture(hero_share=1.0, people=5)))
    assert np.mean(np.array(with_hero) > 3) > 0.75  # now and then something hides her


@pytest.mark.parametrize(("far_share", "low", "high"), [(0.0, 150, 20000), (1.0, 4, 250)])
def test_far_heroes_are_small(far_share, low, high):
    seen = [count for count in hero_pixels(snapshots(24, 2, Mixture(1.0, far_share, people=3))) if count > 3]
    assert low < np.median(seen) < high


def test_people_in_red_are_as_many_as_asked():
    def red_pixels_of_people(look_alikes):
        red = total = 0
        for frame in snapshots(20, 5, Mixture(hero_share=0.0, look_alikes=look_alikes)):
            colours = frame.rgb[frame.mask[..., 1] > 0].astype(int)
            red += ((colours[:, 0] > 60) & (colours[:, 0] > 2.2 * colours[:, 1:].max(axis=1))).sum()
            total += len(colours)
        return red / total

    assert red_pixels_of_people(1.0) > 3 * red_pixels_of_people(0.0)
