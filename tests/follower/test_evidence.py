"""Evidence of one frame: whose silhouette a blob is, how much it counts, and who stands where no blob was found."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from follower.detection import find_blobs
from follower.evidence.frame_evidence import FrameEvidence
from follower.evidence.likelihood import log_odds
from follower.evidence.silhouettes import Silhouettes
from follower.geometry import Camera
from follower.ranging import locate
from follower.types import Pose

BACKGROUND, PEOPLE, HERO = np.eye(3, dtype=np.float32)


def picture(*parts, size=256):
    """Return (size, size, 3) probabilities: background but for `parts` of (top, left, bottom, right, class)."""
    probabilities = np.tile(BACKGROUND, (size, size, 1))
    for top, left, bottom, right, label in parts:
        probabilities[top:bottom, left:right] = label
    return probabilities


EMPTY = np.zeros((256, 256, 3), np.float32)
LEVEL = Camera(Pose(0, 0, 0, 0, 0, 0), (256, 256), 60.0, depth_far=100.0)


def evidence(probabilities, frame=None):
    pose = Pose(0, 0, 0, 0, 0, 0) if frame is None else frame.gimbal_pose
    return FrameEvidence(Silhouettes(frame, probabilities, Camera(pose, (256, 256), 60.0, depth_far=100.0)), 1.6)


def target_fraction(evidence, blob, by_depth=True):
    depth_image = evidence.people.depth_image if by_depth else None
    measurement = locate(blob.detection, depth_image, evidence.people.camera, evidence.target_height)
    assert (measurement.point_by_depth is not None) is (depth_image is not None)
    return evidence.people.target_fraction(evidence.people.of_blob(blob, measurement))


def fraction(probabilities, threshold=0.5):
    [blob, *_] = find_blobs(probabilities, (256, 256), threshold, 6.0)
    return target_fraction(evidence(probabilities), blob)


def test_a_target_alone_is_all_target():
    assert fraction(picture((100, 60, 130, 70, HERO))) == 1.0


def test_a_coat_is_part_of_a_person():
    # 12 rows of coat of a person 30 rows tall.
    person = picture((100, 60, 130, 70, PEOPLE), (106, 60, 118, 70, HERO))
    assert fraction(person) == pytest.approx(12 / 30)


def test_a_small_part_does_not_need_the_whole_person():
    # A sleeve of 10 x 4 in a body of 60 x 20: the person counts to ten rows above and below, and a column aside.
    person = picture((100, 60, 160, 80, PEOPLE), (120, 66, 130, 70, HERO))
    assert fraction(person) == pytest.approx(40 / (30 * 6))


def test_neighbours_do_not_count():
    target = (100, 60, 130, 70, HERO)
    apart = picture(target, (100, 74, 130, 84, PEOPLE), (60, 60, 95, 70, PEOPLE), (134, 60, 160, 70, PEOPLE))
    assert fraction(apart) == 1.0
    touching = picture(target, (100, 70, 130, 80, PEOPLE))
    assert fraction(touching) > 0.9


def test_uncertain_pixels_count_by_probability():
    probabilities = picture((100, 60, 130, 70, (0.1, 0.3, 0.6)))
    assert fraction(probabilities) == pytest.approx(0.6 / 0.9)


@pytest.mark.parametrize("box", [(0, 0, 12, 6), (0, 250, 12, 256), (0, 0, 256, 256), (250, 9, 256, 20)])
def test_at_the_edges(box):
    assert fraction(picture((*box, HERO))) == 1.0


def test_a_threshold_below_half_works():
    probabilities = picture((100, 60, 130, 70, (0.55, 0.1, 0.35)))
    assert fraction(probabilities, threshold=0.3) == pytest.approx(0.35 / 0.45)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_the_fraction_is_one_whatever_the_network_predicts(top, left, seed):
    noise = np.random.default_rng(seed).random((64, 64, 3)).astype(np.float32)
    probabilities = noise / noise.sum(axis=2, keepdims=True)
    probabilities[top : top + 4, left : left + 4] = HERO
    for blob in find_blobs(probabilities, (256, 256), 0.5, 1.0):
        assert 0 < target_fraction(evidence(probabilities), blob) <= 1


CERTAIN, UNCERTAIN = 0.998, 0.93  # of a target in plain view; networks of 2026 and of 2017


@pytest.mark.parametrize("typical", [CERTAIN, UNCERTAIN])
def test_a_complete_target_is_evidence_for_and_a_half_one_against(typical):
    assert log_odds(1.0, 100, 0.5, typical) > 2
    assert log_odds(0.5, 100, 0.5, typical) < -1.5
    assert log_odds(0.0, 100, 0.5, typical) < -8


def test_nine_tenths_of_a_person_are_a_target_only_for_a_network_that_is_never_more_certain():
    assert log_odds(0.92, 400, 0.5, UNCERTAIN) > 3
    assert log_odds(0.92, 400, 0.5, CERTAIN) < 0
    assert log_odds(0.998, 400, 0.5, CERTAIN) > 3


@given(st.floats(0, 1), st.floats(1, 1e5), st.floats(0.01, 2), st.floats(0, 1))
def test_evidence_is_bounded_and_grows_with_the_fraction(fraction, pixels, area, typical):
    value = log_odds(fraction, pixels, area, typical)
    assert -12 <= value <= 4
    assert value <= log_odds(1.0, pixels, area, typical)


def test_one_near_frame_is_enough_and_two_distant_ones_are():
    """The tracker requires 20 to 1, log-odds of 3."""
    assert log_odds(1.0, 400, 0.5) > 3
    assert 1.5 < log_odds(1.0, 36, 0.6) < 3


def test_a_leaf_is_little_evidence():
    """A red thing of a tenth of a person's size, at its range."""
    assert 0 < log_odds(1.0, 100, 0.04) < 0.5
    assert log_odds(1.0, 100, 0.4) == log_odds(1.0, 100, 4.0)


CAMERA = (0.0, 0.0, 4.0, 0.0, 15.0, 0.0)  # at the origin, 4 m up, looks along x and a little down


def at_position(scene, blocks, point, network=256, depth=True):
    frame, probabilities = scene.take(CAMERA, blocks, network=network)
    if not depth:
        frame.depth_image = None
    return evidence(probabilities, frame).at_predicted_position(np.array(point)).log_odds


STEEP = (0.0, 0.0, 3.8, 0.0, 40.0, 0.0)  # as the quad sees whom it follows


@pytest.mark.parametrize("network", [160, 256])
@pytest.mark.parametrize(
    ("camera", "distance", "place", "at_least", "without_depth"),
    [
        pytest.param(CAMERA, 12.0, (15.0, 0.0), 0.9, 0.85, id="behind"),
        # In a group, hiding the target's legs: nearer by less than the planar depths of one person differ.
        pytest.param(STEEP, 3.5, (2.6, 0.1), 0.85, 0.7, id="just in front"),
    ],
)
def test_a_person_behind_or_in_front_of_the_target_is_another_person(
    scene, camera, distance, place, at_least, without_depth, network
):
    """Their silhouettes touch, but not their depths."""
    target, other = scene.person(distance, 0.0), scene.person(*place, label=1)
    frame, probabilities = scene.take(camera, [target, other], network=network)
    [blob] = find_blobs(probabilities, (256, 256), 0.5, 6.0)
    assert target_fraction(evidence(probabilities, frame), blob) > at_least
    assert target_fraction(evidence(probabilities, frame), blob, by_depth=False) < without_depth


@pytest.mark.parametrize("network", [160, 256])
@pytest.mark.parametrize("camera", [STEEP, (0.0, 1.0, 6.0, 0.0, 55.0, -15.0)])
def test_seen_from_above_head_and_legs_belong_to_a_coat(scene, camera, network):
    """Their planar depths differ by more than a metre."""
    coat = scene.Block((3.5, 0.0, 0.6), (0.3, 0.45, 0.5), 2)
    legs, head = (scene.Block((3.5, 0.0, z), (0.3, 0.45, height), 1) for z, height in ((0.0, 0.6), (1.1, 0.5)))
    frame, probabilities = scene.take(camera, [coat, legs, head], network=network)
    [blob] = find_blobs(probabilities, (256, 256), 0.5, 6.0)
    by_depth = target_fraction(evidence(probabilities, frame), blob)
    assert by_depth == pytest.approx(target_fraction(evidence(probabilities, frame), blob, by_depth=False), abs=0.03)
    assert by_depth < 0.5


@pytest.mark.parametrize("network", [160, 256])
@pytest.mark.parametrize("position", [(6.0, 1.0), (15.0, -3.0), (30.0, 8.0)])
def test_another_person_at_the_position_is_evidence_against(scene, position, network):
    other = scene.person(*position, label=1)
    assert -2 <= at_position(scene, [other], (*position, 0.8), network) < -1
    # The track may be wrong by a step.
    assert at_position(scene, [other], (position[0], position[1] + 0.3, 0.9), network) < -0.5


@pytest.mark.parametrize(("clear", "metres", "counts"), [(True, 26.0, True), (False, 26.0, False), (False, 9.0, True)])
def test_in_haze_and_in_the_dark_a_small_view_without_the_target_is_no_evidence(scene, clear, metres, counts):
    frame, probabilities = scene.take(CAMERA, [scene.person(metres, 0.0, label=1)])
    seen = dataclasses.replace(evidence(probabilities, frame), clear=clear)
    assert (seen.at_predicted_position(np.array((metres, 0.0, 0.8))).log_odds < 0) == counts


def test_a_distant_person_is_less_evidence(scene):
    near, far = (at_position(scene, [scene.person(x, 0.0, label=1)], (x, 0.0, 0.8)) for x in (15.0, 60.0))
    assert near < far < -0.2


def test_no_person_the_target_or_a_neighbour_is_no_evidence(scene):
    position = (12.0, 1.0, 0.8)
    assert at_position(scene, [], position) == 0
    assert at_position(scene, [scene.person(12.0, 1.0)], position) == 0
    assert at_position(scene, [scene.person(12.0, 2.5, label=1)], position) == 0


def test_a_person_in_front_or_behind_is_no_evidence(scene):
    position = (20.0, 0.0, 0.8)
    # On the line of sight from 4 m up, at a height between the knees and the shoulders.
    between, behind = scene.person(10.0, 0.0, z=1.6, label=1), scene.person(24.0, 0.0, label=1)
    for other in (between, behind):
        assert at_position(scene, [other], position) == 0
        assert at_position(scene, [other], position, depth=False) < -0.5


@pytest.mark.parametrize(
    "position", [(-10.0, 0.0, 0.8), (10.0, 30.0, 0.8), (10.0, -30.0, 0.8), (0.5, 0.0, 0.8), (10.0, 0.0, 50.0)]
)
def test_a_position_out_of_view_is_no_evidence(scene, position):
    crowd = [scene.person(x, y, label=1) for x in (4.0, 10.0) for y in (-5.0, -1.0, 0.0, 1.0, 5.0)]
    assert at_position(scene, crowd, position) == 0


@pytest.mark.parametrize("size", [128, 256])
@pytest.mark.parametrize(
    ("place", "hidden"),
    [
        ((14.0, 0.0, 1.0), True),  # behind the van
        ((14.0, 3.6, 1.0), False),  # beside it
        ((6.0, 0.0, 1.0), False),  # before it
        ((60.0, 0.0, 1.0), False),  # the quad looks over it
        ((-14.0, 0.0, 1.0), False),  # behind the quad
        ((14.0, -12.0, 1.0), False),  # outside the picture
    ],
)
def test_a_place_is_hidden_where_something_nearer_covers_a_person_there(scene, place, hidden, size):
    wire = (0.0, 0.0, 5.0, 0.0, 10.0, 0.0)
    frame = scene.take(wire, [scene.Block((10.0, 0.0, 0.0), (2.0, 4.0, 3.5))])[0]
    frame.depth_image = frame.depth_image[:: 256 // size, :: 256 // size]
    assert evidence(EMPTY, frame).hides(np.array(place)) == hidden


def test_without_a_depth_image_nothing_is_known_to_be_hidden():
    assert not evidence(EMPTY).hides(np.array([14.0, 0.0, 1.0]))


def test_in_a_group_nobody_is_asked_for_the_typical_fraction():
    """Somebody just in front counts as part of the target: alone, that would be a look-alike."""
    target, part = (100, 60, 130, 70, HERO), (124, 60, 130, 70, PEOPLE)
    alone, group = picture(target, part), picture(target, part, (100, 71, 130, 80, PEOPLE))
    near = SimpleNamespace(metres=8.0)
    measurement = SimpleNamespace(too_tall=False, point_by_depth=None, height_ratio=None, area=0.5, range=near)
    values = []
    for probabilities in (alone, group):
        one = FrameEvidence(Silhouettes(None, probabilities, LEVEL), 1.6, typical_fraction=CERTAIN)
        (blob,) = find_blobs(probabilities, (256, 256), 0.5, 6)
        values.append(one.for_blob(blob, measurement, one.people.of_blob(blob, measurement)))
    assert [seen.reliable for seen in values] == [True, False]
    assert values[0].log_odds < -3
    assert values[1].log_odds > 0


@pytest.mark.parametrize(("area", "metres", "reliable"), [(0.5, 8.0, True), (0.2, 8.0, False), (0.5, 12.0, False)])
def test_half_of_a_person_and_one_far_away_are_no_reliable_views(area, metres, reliable):
    probabilities = picture((100, 60, 130, 70, HERO))
    one = FrameEvidence(Silhouettes(None, probabilities, LEVEL), 1.6, typical_fraction=CERTAIN)
    (blob,) = find_blobs(probabilities, (256, 256), 0.5, 6)
    where = SimpleNamespace(metres=metres)
    measurement = SimpleNamespace(too_tall=False, point_by_depth=None, height_ratio=None, area=area, range=where)
    assert one.for_blob(blob, measurement, one.people.of_blob(blob, measurement)).reliable == reliable


@pytest.mark.parametrize(
    ("coat", "neighbour", "beside"),
    [(10, None, False), (12, None, False), (16, None, False), (20, None, False), (12, 90, False), (20, 61, True)],
)
def test_own_arms_beside_a_coat_are_no_other_person(coat, neighbour, beside):
    """A person of 20 by 60 pixels, 7 m away, whose coat is as wide or narrower; another person begins at a column."""
    side = (20 - coat) // 2
    parts = [(100, 40, 160, 60, PEOPLE), (106, 40 + side, 154, 60 - side, HERO)]
    if neighbour is not None:
        parts.append((95, neighbour, 155, neighbour + 20, PEOPLE))
    people = Silhouettes(None, picture(*parts), LEVEL)
    (blob,) = find_blobs(people.probabilities, (256, 256), 0.5, 6)
    measurement = SimpleNamespace(point_by_depth=None, height_ratio=None)
    assert people.in_group(people.of_blob(blob, measurement), 7.0) == beside


def test_views_in_a_group_are_forgiven_by_half_and_distant_ones_not_at_all():
    coat, neighbour = (106, 60, 118, 70, HERO), (100, 71, 130, 80, PEOPLE)
    probabilities = picture((100, 60, 130, 70, PEOPLE), coat, neighbour)
    one = FrameEvidence(Silhouettes(None, probabilities, LEVEL), 1.6, typical_fraction=CERTAIN)
    (blob,) = find_blobs(probabilities, (256, 256), 0.5, 6)
    for metres, part in ((8.0, 0.5), (12.0, 0.0)):
        where = SimpleNamespace(metres=metres)
        measurement = SimpleNamespace(too_tall=False, point_by_depth=None, height_ratio=None, area=0.5, range=where)
        seen = one.for_blob(blob, measurement, one.people.of_blob(blob, measurement))
        assert seen.log_odds < 0
        assert not seen.reliable
        assert seen.forgivable == pytest.approx(-part * seen.log_odds)
