"""Blobs of several people: parts that belong to one person each."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from follower.depth.separation import separate
from follower.detection import blob_of

DISTANCE, HEIGHT, BEARING = st.floats(2.5, 8), st.floats(1.5, 5), st.floats(-180, 180)
MIDDLE = (20.0, -30.0, 0.8)


def blob(target):
    left, top, width, height = cv2.boundingRect((target > 0).astype(np.uint8))
    inside = target[top : top + height, left : left + width] > 0
    return blob_of(target, inside, (top, left), (256, 256))


@given(
    distance=DISTANCE,
    height=HEIGHT,
    bearing=BEARING,
    network=st.sampled_from([160, 256]),
    far=st.sampled_from([50.0, 100.0, 500.0]),
)
@settings(max_examples=60, deadline=None)
def test_one_person_is_one_blob(scene, distance, height, bearing, network, far):
    """However coarse the depth image is: its bytes stand for 0.2, 0.4 or 2 metres."""
    wire = scene.aim(MIDDLE, distance, height, bearing)
    labels, depth = scene.render(wire, [scene.person(*MIDDLE[:2])], far)
    target = (cv2.resize(labels, (network, network), interpolation=cv2.INTER_NEAREST) == 2).astype(np.float32)
    whole = blob(target)
    [only] = separate(whole, target, depth, scene.camera_of(wire, far))
    assert only is whole


@given(distance=DISTANCE, height=HEIGHT, bearing=BEARING, apart=st.floats(0.75, 1.5), around=st.floats(-180, 180))
@settings(max_examples=60, deadline=None)
def test_two_people_are_two_blobs(scene, distance, height, bearing, apart, around):
    """Side by side, or one before the other: each part belongs to one of them, and each of them has a part."""
    wire = scene.aim(MIDDLE, distance + apart, height, bearing)
    across = apart * np.array([np.cos(np.radians(around)), np.sin(np.radians(around))])
    people = [
        scene.person(MIDDLE[0], MIDDLE[1], label=2),
        scene.person(MIDDLE[0] + across[0], MIDDLE[1] + across[1], label=1),
    ]
    labels, depth = scene.render(wire, people)
    pixels = [int((labels == label).sum()) for label in (1, 2)]
    tall = [int((labels == label).any(axis=1).sum()) for label in (1, 2)]
    assume(min(pixels) > 0.3 * sum(pixels) and min(tall) > 0.6 * max(tall))  # neither is nearly hidden
    target = (labels > 0).astype(np.float32)
    parts = list(separate(blob(target), target, depth, scene.camera_of(wire)))
    assert len(parts) == 2
    assert sum(part.reference_area for part in parts) == sum(pixels)
    shares = [(labels[part.detection.mask] == 1).mean() for part in parts]
    assert min(shares) < 0.15
    assert max(shares) > 0.85


def test_background_that_was_segmented_with_a_person_is_no_other_person(scene):
    wire = scene.aim(MIDDLE, 5.0, 3.0, 40.0)
    labels, depth = scene.render(wire, [scene.person(*MIDDLE[:2])])
    target = cv2.dilate((labels == 2).astype(np.float32), np.ones((3, 3)))
    whole = blob(target)
    assert list(separate(whole, target, depth, scene.camera_of(wire))) == [whole]


def test_without_depth_nothing_is_separated(scene):
    wire = scene.aim(MIDDLE, 5.0, 3.0, 40.0)
    labels, depth = scene.render(wire, [scene.person(20.0, -30.0), scene.person(20.0, -31.0)])
    target = (labels > 0).astype(np.float32)
    whole = blob(target)
    assert list(separate(whole, target, np.full_like(depth, 255), scene.camera_of(wire))) == [whole]


@pytest.mark.parametrize("behind", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("network", [160, 256])
def test_a_wall_behind_a_person_is_no_other_person(scene, behind, network):
    """The silhouette is a pixel too wide, and shows some of the wall."""
    for distance in np.arange(3.0, 11.0, 0.5):
        wire = scene.aim((20.0, 0.0, 0.8), distance, 3.0, 180.0)
        wall = scene.Block((20.0 + behind + 0.2, 0.0, 0.0), (0.4, 20.0, 6.0))
        labels, depth = scene.render(wire, [scene.person(20.0, 0.0), wall])
        target = cv2.resize((labels == 2).astype(np.float32), (network, network), interpolation=cv2.INTER_NEAREST)
        whole = blob(cv2.dilate(target, np.ones((3, 3))))
        assert separate(whole, whole.detection.mask.astype(float), depth, scene.camera_of(wire)) == [whole]


def test_far_from_the_origin_of_the_world_people_are_separated_too(scene):
    """A hang, once: single precision ends there."""
    wire = scene.aim(MIDDLE, 5.0, 3.0, 40.0)
    labels, depth = scene.render(wire, [scene.person(20.0, -30.0), scene.person(20.0, -31.0)])
    target = (labels > 0).astype(np.float32)
    for offset in (0.0, 9.5e5):
        camera = scene.camera_of((wire[0] + offset, wire[1] - offset, *wire[2:]))
        assert len(separate(blob(target), target, depth, camera)) == 2


def test_what_is_larger_than_people_is_not_divided(scene):
    wire = scene.aim((20.0, 0.0, 0.8), 6.0, 3.0, 180.0)
    labels, depth = scene.render(wire, [scene.Block((20.0, 0.0, 0.0), (2.0, 5.0, 2.0), 2)])
    van = (labels == 2).astype(np.float32)
    whole = blob(van)
    assert separate(whole, van, depth, scene.camera_of(wire)) == [whole]


@pytest.mark.parametrize("count", [3, 4])
def test_no_part_of_people_in_a_row_is_of_two(scene, count):
    wire = scene.aim((20.0, 0.0, 0.8), 7.0, 3.5, 180.0)
    people = [scene.person(20.0, 0.75 * (n - (count - 1) / 2), label=n + 1) for n in range(count)]
    labels, depth = scene.render(wire, people)
    target = (labels > 0).astype(np.float32)
    parts = separate(blob(target), target, depth, scene.camera_of(wire))
    pixels = [np.bincount(labels[part.detection.mask], minlength=count + 1) for part in parts]
    assert {int(each.argmax()) for each in pixels} == set(range(1, count + 1))
    assert min(each.max() / each.sum() for each in pixels) > 0.85


def test_a_patch_of_ground_is_no_person(scene):
    """A red leaf on a lawn beside the feet."""
    wire = scene.aim((20.0, 0.0, 0.8), 5.0, 4.0, 180.0)
    ground = scene.Block((19.4, 1.0, 0.0), (1.2, 1.2, 0.02))
    labels, depth = scene.render(wire, [scene.person(20.0, 0.0), scene.Block(ground.foot, ground.size, 1)])
    target = (labels > 0).astype(np.float32)
    assert (labels == 1).sum() > 0.25 * target.sum()
    whole = blob(target)
    assert separate(whole, target, depth, scene.camera_of(wire)) == [whole]
