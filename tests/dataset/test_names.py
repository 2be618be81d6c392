"""Which mask belongs to which image, by their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.names import find_partners, frame_key


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        # The official archives.
        ("0_run6_cam1_00000_data_pack2.jpeg", "0_run6_mask_00000_data_pack2.png"),
        ("2_run2cam1_05421.jpeg", "2_run2_mask_05421.png"),
        ("2_run2cam1_05421.jpeg", "2_run2mask_05421.png"),
        # The original preprocessing: a number for the run, the run's folder (images only), camera and frame.
        ("0_run1cam1_00005.jpeg", "0__mask_00005.png"),
        ("4_run_99cam1_00001.jpeg", "4__mask_00001.png"),
        ("4_My Run (2)cam1_00001.jpeg", "4__mask_00001.png"),
        ("12_2017-09-28cam1_00001.jpeg", "12__mask_00001.png"),
        ("3_follow.mecam1_00001.jpeg", "3__mask_00001.png"),
        ("cam1_00001.jpeg", "mask_00001.png"),
        # This project's recordings, and other people's tools.
        ("000017.jpeg", "000017.png"),
        ("f000.jpeg", "f000_mask.png"),
        ("f000.jpeg", "mask_f000.png"),
        ("image_000.jpeg", "mask_000.png"),
        ("img7.jpg", "mask0007.png"),
        ("Frame-12.JPG", "frame-12-label.PNG"),
        ("straße 3.jpg", "straße 3 mask.png"),
        ("0001TP_006690.jpg", "0001TP_006690_L.png"),
        ("um_000000.png", "um_road_000000.png"),
    ],
)
def test_names_that_belong_together(image, mask):
    assert find_partners([image], [mask]) == {image: mask}


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        (["meadow_000.jpeg"], ["street_000.png"]),
        (["left_1.jpeg", "left_2.jpeg"], ["right_1.png", "right_2.png"]),
        (["f000.jpeg"], ["f001.png"]),
        (["0_run1cam1_00005.jpeg", "0_run2cam1_00005.jpeg"], ["0__mask_00005.png"]),
        (["1_run1cam1_00005.jpeg"], ["12__mask_00005.png"]),
        (["12_run1cam1_00005.jpeg"], ["1__mask_00005.png"]),
        (["um_000000.png", "um_000001.png"], ["um_road_000000.png", "um_lane_000000.png", "um_road_000001.png"]),
        (["7.jpg"], ["mask_7.png", "mask_007.png", "7_mask.png"]),
    ],
)
def test_names_with_no_or_several_ways_are_not_paired(images, masks):
    assert find_partners(images, masks) == {}


def test_a_camera_whose_number_only_begins_with_one_is_no_role():
    images, masks = ([f"{word}{number}.png" for number in range(1, 13)] for word in ("cam", "mask"))
    assert find_partners(images, masks) == dict(zip(images, masks, strict=True))


def test_exact_names_come_before_similar_ones():
    partners = find_partners(["a_1.jpg", "a_01.jpg"], ["a_1.png", "mask_a_01.png"])
    assert partners == {"a_1.jpg": "a_1.png", "a_01.jpg": "mask_a_01.png"}


SCHEMES = [
    (lambda run, n: f"{run}_{n:05d}.jpeg", lambda run, n: f"{run}_{n:05d}.png"),
    (lambda run, n: f"{run}_run{run}cam1_{n:05d}.jpeg", lambda run, n: f"{run}__mask_{n:05d}.png"),
    (lambda run, n: f"image_{run}_{n}.jpeg", lambda run, n: f"mask_{run}_{n:04d}.png"),
    (lambda run, n: f"{run}x{n}.jpg", lambda run, n: f"{run}x{n}_road.png"),
]


@given(
    st.sampled_from(SCHEMES),
    st.sets(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=12),
    st.data(),
)
def test_missing_files_never_shift_other_labels(scheme, frames, data):
    image, mask = scheme
    without_mask = data.draw(st.sets(st.sampled_from(sorted(frames))))
    without_image = data.draw(st.sets(st.sampled_from(sorted(frames))))
    images = [image(*frame) for frame in frames - without_image]
    masks = [mask(*frame) for frame in frames - without_mask]
    expected = {image(*frame): mask(*frame) for frame in frames - without_mask - without_image}
    assert find_partners(images, masks) == expected


@given(
    st.lists(st.text(st.sampled_from("abm_019 mask"), min_size=1, max_size=9), unique=True, max_size=8).map(sorted),
    st.data(),
)
def test_any_names_give_a_pairing_of_these_names(names, data):
    images = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    partners = find_partners([f"{name}.jpg" for name in images], [f"{name}.png" for name in names])
    assert len(set(partners.values())) == len(partners)
    assert partners.keys() <= {f"{name}.jpg" for name in images}
    unique = [name for name in images if sum(frame_key(f"{name}.x") == frame_key(f"{other}.x") for other in names) == 1]
    assert all(partners[f"{name}.jpg"] == f"{name}.png" for name in unique)
