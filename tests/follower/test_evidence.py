"""What one look says: whose silhouette it is, how much that counts, and who stands where no blob was found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from follower.detection import find_blobs
from follower.evidence import Look, log_odds

BACKGROUND, PEOPLE, HERO = np.eye(3, dtype=np.float32)


def picture(*parts, size=256):
    """(size, size, 3), background but for `parts` of (top, left, bottom, right, class)."""
    probabilities = np.tile(BACKGROUND, (size, size, 1))
    for top, left, bottom, right, label in parts:
        probabilities[top:bottom, left:right] = label
    return probabilities


def look(probabilities, frame=None):
    return Look(frame, probabilities, depth_far=100.0, vertical_fov=60.0, target_height=1.6)


def share(probabilities, threshold=0.5):
    return look(probabilities).hero_share(find_blobs(probabilities, (256, 256), threshold, 6.0)[0], metres=None)


def test_a_hero_alone_is_all_hero():
    assert share(picture((100, 60, 130, 70, HERO))) == 1.0


def test_a_coat_is_part_of_a_person():
    # 12 rows of coat of a person 30 rows tall.
    person = picture((100, 60, 130, 70, PEOPLE), (106, 60, 118, 70, HERO))
    assert share(person) == pytest.approx(12 / 30)


def test_a_small_part_does_not_need_the_whole_person():
    # A sleeve of 10 x 4 in a body of 60 x 20: the person counts to ten rows above and below, and a column aside.
    person = picture((100, 60, 160, 80, PEOPLE), (120, 66, 130, 70, HERO))
    assert share(person) == pytest.approx(40 / (30 * 6))


def test_neighbours_do_not_count():
    hero = (100, 60, 130, 70, HERO)
    apart = picture(hero, (100, 74, 130, 84, PEOPLE), (60, 60, 95, 70, PEOPLE), (134, 60, 160, 70, PEOPLE))
    assert share(apart) == 1.0
    touching = picture(hero, (100, 70, 130, 80, PEOPLE))
    assert share(touching) > 0.9


def test_doubt_counts_by_probability():
    probabilities = picture((100, 60, 130, 70, (0.1, 0.3, 0.6)))
    assert share(probabilities) == pytest.approx(0.6 / 0.9)


@pytest.mark.parametrize("box", [(0, 0, 12, 6), (0, 250, 12, 256), (0, 0, 256, 256), (250, 9, 256, 20)])
def test_at_the_edges(box):
    assert share(picture((*box, HERO))) == 1.0


def test_a_threshold_below_half_is_no_trouble():
    probabilities = picture((100, 60, 130, 70, (0.55, 0.1, 0.35)))
    assert share(probabilities, threshold=0.3) == pytest.approx(0.35 / 0.45)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_a_share_is_a_share_whatever_the_network_sees(top, left, seed):
    noise = np.random.default_rng(seed).random((64, 64, 3)).astype(np.float32)
    probabilities = noise / noise.sum(axis=2, keepdims=True)
    probabilities[top : top + 4, left : left + 4] = HERO
    for blob in find_blobs(probabilities, (256, 256), 0.5, 1.0):
        assert 0 < look(probabilities).hero_share(blob, None) <= 1


def test_a_whole_hero_speaks_for_and_a_half_one_against():
    assert log_odds(1.0, 100, 0.5) > 2
    assert log_odds(0.5, 100, 0.5) < -2


def test_one_look_from_near_is_enough_and_from_afar_two_are():
    """More than 20 to 1, log 3, is what it takes."""
    assert log_odds(1.0, 400, 0.5) > 3
    assert 1.5 < log_odds(1.0, 36, 0.6) < 3


def test_a_leaf_says_little():
    """A red thing of a tenth of a person's size, at its range."""
    assert 0 < log_odds(1.0, 100, 0.04) < 0.5
    assert log_odds(1.0, 100, 0.4) == log_odds(1.0, 100, 4.0)


CAMERA = (0.0, 0.0, 4.0, 0.0, 15.0, 0.0)  # at the origin, 4 m up, looks along x and a little down


def doubted(scene, blocks, point, network=256, depth=True):
    frame, probabilities = scene.take(CAMERA, blocks, network=network)
    if not depth:
        frame.depth_image = None
    return look(probabilities, frame).at_place(np.array(point))


@pytest.mark.parametrize("network", [160, 256])
def test_who_stands_behind_the_hero_is_another_person(scene, network):
    """Their silhouettes touch, but not their depths."""
    hero, behind = scene.person(12.0, 0.0), scene.person(15.0, 0.0, label=1)
    frame, probabilities = scene.take(CAMERA, [hero, behind], network=network)
    [blob] = find_blobs(probabilities, (256, 256), 0.5, 6.0)
    assert look(probabilities, frame).hero_share(blob, 12.0) > 0.9
    assert look(probabilities, frame).hero_share(blob, None) < 0.85


@pytest.mark.parametrize("network", [160, 256])
@pytest.mark.parametrize("place", [(6.0, 1.0), (15.0, -3.0), (30.0, 8.0)])
def test_somebody_else_at_the_place_speaks_against(scene, place, network):
    somebody = scene.person(*place, label=1)
    assert -2 <= doubted(scene, [somebody], (*place, 0.8), network) < -1
    # The track may be wrong by a step.
    assert doubted(scene, [somebody], (place[0], place[1] + 0.3, 0.9), network) < -0.5


def test_a_far_person_speaks_less(scene):
    near, far = (doubted(scene, [scene.person(x, 0.0, label=1)], (x, 0.0, 0.8)) for x in (15.0, 60.0))
    assert near < far < -0.2


def test_nobody_the_hero_or_a_neighbour_says_nothing(scene):
    place = (12.0, 1.0, 0.8)
    assert doubted(scene, [], place) == 0
    assert doubted(scene, [scene.person(12.0, 1.0)], place) == 0
    assert doubted(scene, [scene.person(12.0, 2.5, label=1)], place) == 0


def test_who_steps_between_or_stands_behind_says_nothing(scene):
    place = (20.0, 0.0, 0.8)
    # On the line of sight from 4 m up, at a height between the knees and the shoulders.
    between, behind = scene.person(10.0, 0.0, z=1.6, label=1), scene.person(24.0, 0.0, label=1)
    for somebody in (between, behind):
        assert doubted(scene, [somebody], place) == 0
        assert doubted(scene, [somebody], place, depth=False) < -0.5


@pytest.mark.parametrize(
    "place", [(-10.0, 0.0, 0.8), (10.0, 30.0, 0.8), (10.0, -30.0, 0.8), (0.5, 0.0, 0.8), (10.0, 0.0, 50.0)]
)
def test_a_place_out_of_view_says_nothing(scene, place):
    crowd = [scene.person(x, y, label=1) for x in (4.0, 10.0) for y in (-5.0, -1.0, 0.0, 1.0, 5.0)]
    assert doubted(scene, crowd, place) == 0
