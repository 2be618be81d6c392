"""KITTI's road data as downloaded: names, colours, lanes, scenes and splits."""

import cv2
import numpy as np
import pytest

from dataset.pairs import classes_of, find_pairs, read_labels, read_pair
from model.data.packing import pack
from model.data.sources import collect

RED, MAGENTA, BLACK = (255, 0, 0), (255, 0, 255), (0, 0, 0)


def write(folder, name, size=(15, 50)):
    """Write a frame, and masks of road and lane: rows of not road, road, and roads of others."""
    image, road = (np.zeros((*size, 3), np.uint8) for _ in range(2))
    image[..., 0] = sum(map(ord, f"{folder}{name}")) % 256
    road[:5], road[5:12], road[12:] = RED, MAGENTA, BLACK
    lane = np.full((*size, 3), RED, np.uint8)
    scene, number = name.split("_")
    for path, pixels in (
        (folder / "image_2" / f"{name}.png", image),
        (folder / "gt_image_2" / f"{scene}_road_{number}.png", road),
        (folder / "gt_image_2" / f"{scene}_lane_{number}.png", lane),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), pixels[..., ::-1])


@pytest.fixture
def data_road(tmp_path):
    folder = tmp_path / "data_road"
    for scene, count in (("um", 20), ("umm", 15), ("uu", 4)):
        for number in range(count):
            write(folder / "training", f"{scene}_{number:06d}")
    (folder / "training" / "calib").mkdir()
    (folder / "training" / "calib" / "um_000000.txt").write_text("P0: 1")
    (folder / "testing" / "image_2").mkdir(parents=True)  # without masks
    cv2.imwrite(str(folder / "testing" / "image_2" / "um_000000.png"), np.zeros((15, 50, 3), np.uint8))
    return folder


def test_roads_are_read_and_lanes_left_alone(data_road):
    pairs, problems = find_pairs(data_road)
    assert problems == []
    assert len(pairs) == 39
    assert {pair.mask.name.split("_")[1] for pair in pairs} == {"road"}
    assert {pair.recording for pair in pairs} == {f"data_road/training/{scene}" for scene in ("um", "umm", "uu")}
    assert classes_of(pairs).names == ("not road", "road")
    np.testing.assert_array_equal(read_labels(pairs[0])[:, 0], [0] * 5 + [1] * 7 + [255] * 3)


def test_a_fifth_of_each_scene_is_held_out_and_no_neighbour_of_it_is_trained_on(data_road):
    sources = collect([str(data_road)])
    held, trained = (
        {(each.pair.name.split("_")[0], int(each.pair.name.split("_")[1])) for each in part}
        for part in (sources.validation, sources.train)
    )
    assert {scene: sum(each == scene for each, _ in held) for scene in ("um", "umm", "uu")} == {
        "um": 4,
        "umm": 3,
        "uu": 0,
    }
    assert len(trained) == 39 - 7 - 4  # two frames beside each block
    for scene, number in held:
        assert (scene, number - 1) not in trained
        assert (scene, number + 1) not in trained


def test_a_dataset_that_comes_divided_is_validated_on_its_own_frames_and_never_sees_its_test(data_road):
    for number in range(3):
        write(data_road / "validation", f"uu_{number:06d}")
        write(data_road / "testing", f"uu_{number:06d}")
    sources = collect([str(data_road)])
    assert {each.pair.split for each in sources.train} == {"training"}
    assert len(sources.train) == 39
    assert {each.pair.split for each in sources.validation} == {"validation"}
    assert "3 frames for testing are left out" in sources.notes
    everything = collect([str(data_road)], hold_out_by_default=False)
    assert len(everything.train) == 42


def test_a_datasets_own_frames_for_validation_are_not_trained_on_when_others_are_chosen(data_road, tmp_path):
    for number in range(3):
        write(data_road / "validation", f"uu_{number:06d}")
    write(tmp_path / "other", "um_000000")
    for chosen, validated in (({"validation": [str(tmp_path / "other")]}, 1), ({"hold_out": ["training/umm"]}, 15)):
        sources = collect([str(data_road)], **chosen)
        assert {each.pair.split for each in sources.train} == {"training"}
        assert len(sources.validation) == validated
        assert "3 frames that their dataset keeps for validation are left out of training" in sources.notes
    own = collect([str(data_road)], hold_out=["validation/uu"])
    assert ({each.pair.split for each in own.validation}, len(own.train)) == ({"validation"}, 39)


def test_sizes_may_differ_by_some_pixels(tmp_path):
    for number in range(3):
        write(tmp_path, f"um_{number:06d}", (375, 1242))
    write(tmp_path, "uu_000000", (370, 1224))
    write(tmp_path, "uu_000001", (188, 621))
    frames = pack(collect([str(tmp_path)], hold_out_by_default=False).train, tmp_path / "cache", 32)
    assert [frames.sources[row].pair.name for row in frames.problems] == ["uu_000001"]


def test_frames_of_kitti_itself(shared):
    pairs, problems = find_pairs(shared / "data" / "kitti_road_two_frames.zip")
    assert problems == []
    assert [pair.name for pair in pairs] == ["um_000000", "um_000001"]
    image, labels = read_pair(pairs[0])
    assert image.shape[:2] == labels.shape == (375, 1242)
    bottom = labels[-40:-10, 500:800]  # just in front of the car
    assert np.mean(bottom == 1) > 0.95
    assert not (labels[:100] == 1).any()  # the sky
