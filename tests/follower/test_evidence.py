"""What one look says about a blob: whose silhouette it is, and how much that counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from follower.detection import find_blobs
from follower.evidence import hero_share, log_odds

BACKGROUND, PEOPLE, HERO = np.eye(3, dtype=np.float32)


def picture(*parts, size=256):
    """(size, size, 3), background but for `parts` of (top, left, bottom, right, class)."""
    probabilities = np.tile(BACKGROUND, (size, size, 1))
    for top, left, bottom, right, label in parts:
        probabilities[top:bottom, left:right] = label
    return probabilities


def share(probabilities):
    return hero_share(probabilities, find_blobs(probabilities, (256, 256), 0.5, 6.0)[0])


def look(area=0.5, share=1.0, pixels=100, size=256):
    """The log-odds of a blob of so many pixels."""
    side = math.isqrt(pixels)
    [blob] = find_blobs(picture((50, 50, 50 + side, 50 + side, HERO), size=size), (256, 256), 0.5, 3.0)
    return log_odds(blob, share, area)


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
    [blob] = find_blobs(probabilities, (256, 256), 0.3, 6.0)
    assert hero_share(probabilities, blob) == pytest.approx(0.35 / 0.45)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_a_share_is_a_share_whatever_the_network_sees(top, left, seed):
    noise = np.random.default_rng(seed).random((64, 64, 3)).astype(np.float32)
    probabilities = noise / noise.sum(axis=2, keepdims=True)
    probabilities[top : top + 4, left : left + 4] = HERO
    for blob in find_blobs(probabilities, (256, 256), 0.5, 1.0):
        assert 0 < hero_share(probabilities, blob) <= 1


def test_a_whole_hero_speaks_for_and_a_half_one_against():
    assert look(share=1.0) > 2
    assert look(share=0.5) < -2


def test_one_look_from_near_is_enough_and_from_afar_two_are():
    """More than 20 to 1, log 3, is what it takes."""
    assert look(pixels=400) > 3
    assert 1.5 < look(pixels=36) < 3


def test_a_smaller_network_sees_the_same():
    assert look(pixels=64, size=160) == pytest.approx(look(pixels=169), rel=0.05)


def test_a_leaf_says_little():
    """A red thing of a tenth of a person's size, at its range."""
    assert 0 < look(area=0.04) < 0.5
    assert look(area=0.4) == look(area=4.0)
