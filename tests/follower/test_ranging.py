"""Range of the target: measured depth where there is some, apparent height where not, unaffected by neighbours."""

import dataclasses

import cv2
import numpy as np
import pytest

from follower.detection import find_blobs
from follower.geometry import Camera
from follower.ranging import locate
from follower.types import RangeSource

TARGET = (12.0, -7.0, 0.0)
MIDDLE = (12.0, -7.0, 0.8)


def measure(frame, probabilities, far=100.0):
    [blob, *_] = find_blobs(probabilities, (256, 256), 0.5, 3.0)
    return locate(blob.detection, frame.depth_image, Camera(frame.gimbal_pose, (256, 256), 60.0, far), 1.6)


def away(wire):
    """Return the planar depth of the target's middle, metres, for a camera aimed at it: simply the distance."""
    return np.linalg.norm(np.subtract(wire[:3], MIDDLE))


@pytest.mark.parametrize("network", [160, 256])
@pytest.mark.parametrize("distance", [3.0, 8.0, 20.0, 45.0])
def test_depth_gives_the_range(scene, distance, network):
    wire = scene.aim(MIDDLE, distance, 5.0, 30.0)
    place = measure(*scene.take(wire, [scene.person(*TARGET)], network=network))
    assert place.range.source is RangeSource.DEPTH
    # The near side of the body is up to 0.3 m before its middle; depth comes in steps of 0.39 m.
    assert away(wire) - 0.55 < place.range.metres < away(wire) + 0.25
    assert place.point == pytest.approx(MIDDLE, abs=0.55)


def test_one_bad_depth_pixel_does_not_matter(scene):
    """The original read the depth at the centroid only: a hole there sent the quad to the horizon."""
    wire = scene.aim(MIDDLE, 10.0, 4.0, 30.0)
    frame, probabilities = scene.take(wire, [scene.person(*TARGET)])
    before = measure(frame, probabilities)
    frame.depth_image[126:130, 126:130] = 255
    assert frame.depth_image[127, 127] == 255
    assert measure(frame, probabilities).range == before.range


def test_depth_is_looked_up_in_pixels_of_the_depth_image(scene):
    """The original indexed the depth image of 256 with a centroid in pixels of the network, 160."""
    wire = scene.aim((MIDDLE[0], MIDDLE[1] + 5.0, 0.0), 12.0, 4.0, 0.0)  # the target is in a corner, not in the middle
    frame, probabilities = scene.take(wire, [scene.person(*TARGET)], network=160)
    place = measure(frame, probabilities)
    rows, columns = np.nonzero(probabilities[:, :, 2] > 0.5)
    wrong = frame.depth_image[int(rows.mean()), int(columns.mean())] / 255 * 100
    inside = scene.unity_rotation(wire[3:]).T @ (scene.to_unity(MIDDLE) - scene.to_unity(wire[:3]))
    assert abs(wrong - inside[2]) > 3
    assert place.range.metres == pytest.approx(inside[2], abs=0.6)


def test_far_is_a_setting(scene):
    wire = scene.aim(MIDDLE, 10.0, 4.0, 30.0)
    for far in (50.0, 100.0, 500.0):
        frame, probabilities = scene.take(wire, [scene.person(*TARGET)], far=far)
        place = measure(frame, probabilities, far)
        assert place.range.source is RangeSource.DEPTH
        assert place.range.metres == pytest.approx(away(wire), abs=0.3 + far / 255)


@pytest.mark.parametrize("missing", ["none", "saturated", "zero"])
@pytest.mark.parametrize("distance", [3.0, 10.0, 25.0])
def test_without_depth_the_apparent_height_gives_the_range(scene, distance, missing):
    wire = scene.aim(MIDDLE, distance, 4.0, 180.0)
    frame, probabilities = scene.take(wire, [scene.person(*TARGET)])
    value = {"none": None, "saturated": np.full((256, 256), 255, np.uint8), "zero": np.zeros((256, 256), np.uint8)}
    place = measure(dataclasses.replace(frame, depth_image=value[missing]), probabilities)
    assert place.range.source is RangeSource.HEIGHT
    assert place.range.metres == pytest.approx(away(wire), rel=0.1)
    assert place.point == pytest.approx(MIDDLE, abs=0.1 * away(wire))


def test_a_target_beyond_far_is_ranged_by_height(scene):
    # A build whose depth saturates at 20 m; the target stands at 30 m.
    wire = scene.aim(MIDDLE, 30.0, 4.0, 180.0)
    place = measure(*scene.take(wire, [scene.person(*TARGET)], far=20.0), far=20.0)
    assert place.range.source is RangeSource.HEIGHT
    assert place.range.metres == pytest.approx(away(wire), rel=0.12)


def test_a_few_known_pixels_before_a_target_beyond_far_are_not_enough(scene):
    wire = scene.aim(MIDDLE, 30.0, 4.0, 180.0)
    frame, probabilities = scene.take(wire, [scene.person(*TARGET)], far=20.0)
    frame.depth_image[127, :] = 100  # a wire before the target
    place = measure(frame, probabilities, far=20.0)
    assert place.range.source is RangeSource.HEIGHT
    assert place.range.metres == pytest.approx(away(wire), rel=0.12)


def test_depth_at_which_the_target_would_be_implausibly_tall_is_not_used(scene):
    """A depth image that misses the person and shows the wall 50 m behind."""
    wire = scene.aim(MIDDLE, 10.0, 3.0, 180.0)
    frame, probabilities = scene.take(wire, [scene.person(*TARGET)])
    frame.depth_image[:] = 153  # 60 m
    place = measure(frame, probabilities)
    assert place.range.source is RangeSource.HEIGHT
    assert place.range.metres == pytest.approx(away(wire), rel=0.12)


def test_a_silhouette_segmented_too_large_does_not_range_the_background(scene):
    """Small networks segment distant people a pixel too wide: most of such a silhouette is ground or sky."""
    wire = scene.aim(MIDDLE, 35.0, 3.0, 180.0)
    frame, probabilities = scene.take(wire, [scene.person(*TARGET)])
    target = (probabilities[:, :, 2] > 0.5).astype(np.uint8)
    wide = cv2.dilate(target, np.ones((3, 3), np.uint8))
    assert target.sum() < 0.5 * wide.sum()
    probabilities[:, :, 2] = np.maximum(probabilities[:, :, 2], wide * np.float32(0.6))
    place = measure(frame, probabilities)
    assert place.range.metres == pytest.approx(away(wire), abs=0.6)


def test_a_post_before_the_target_is_not_ranged(scene):
    """The network fills in what a thin post hides: a third of the silhouette has the post's depth, half as far."""
    wire = scene.aim(MIDDLE, 12.0, 2.0, 180.0)
    frame, probabilities = scene.take(wire, [scene.person(*TARGET)])
    post = scene.Block((6.0, -7.0, 0.0), (0.1, 0.04, 3.0))
    frame.depth_image = scene.take(wire, [scene.person(*TARGET), post])[0].depth_image
    assert np.count_nonzero(frame.depth_image[127] < 20) > 1
    assert measure(frame, probabilities).range.metres == pytest.approx(away(wire), abs=0.6)


def test_half_hidden_is_still_ranged_by_depth(scene):
    """Legs behind a hedge: the height would say twice as far, the depth does not."""
    wire = scene.aim(MIDDLE, 15.0, 2.0, 180.0)
    hedge = scene.Block((10.0, -7.0, 0.0), (0.5, 4.0, 1.1))
    place = measure(*scene.take(wire, [scene.person(*TARGET), hedge]))
    assert place.range.source is RangeSource.DEPTH
    assert place.range.metres == pytest.approx(away(wire), abs=0.6)


def test_a_head_above_a_hedge_is_not_ranged_by_what_is_behind(scene):
    """Few pixels, segmented a little too large, of a height that would fit a person far behind."""
    wire = scene.aim(MIDDLE, 20.0, 2.0, 180.0)
    hedge = scene.Block((10.0, -7.0, 0.0), (0.5, 4.0, 1.47))
    wall = scene.Block((70.0, -7.0, 0.0), (1.0, 80.0, 20.0))
    frame, probabilities = scene.take(wire, [scene.person(*TARGET), hedge, wall])
    target = (probabilities[:, :, 2] > 0.5).astype(np.uint8)
    wide = cv2.dilate(target, np.ones((2, 2)), anchor=(0, 0))  # up and to the left, onto the wall
    probabilities[:, :, 2] = np.maximum(probabilities[:, :, 2], wide * np.float32(0.6))
    assert target.sum() < 25
    assert measure(frame, probabilities).range.metres == pytest.approx(away(wire), abs=0.6)


def test_a_person_cut_off_by_the_image_is_ranged_by_depth(scene):
    wire = (MIDDLE[0] - 6.0, MIDDLE[1], 2.5, 0.0, -18.0, 0.0)  # looks up: only the head is in the image
    wall = scene.Block((60.0, -7.0, 0.0), (1.0, 90.0, 40.0))
    frame, probabilities = scene.take(wire, [scene.person(*TARGET), wall])
    rows = np.flatnonzero((probabilities[:, :, 2] > 0.5).any(axis=1))
    assert rows[-1] == 255
    assert len(rows) < 25
    place = measure(frame, probabilities)
    assert place.range.source is RangeSource.DEPTH
    assert place.point[:2] == pytest.approx(MIDDLE[:2], abs=0.6)


def test_the_error_grows_with_the_uncertainty(scene):
    """Along the ray by the step of the depth or the pixels of the height, across it by a pixel or so."""
    near = measure(*scene.take(scene.aim(MIDDLE, 8.0, 2.0, 180.0), [scene.person(*TARGET)]))
    frame, probabilities = scene.take(scene.aim(MIDDLE, 30.0, 2.0, 180.0), [scene.person(*TARGET)])
    by_height = measure(dataclasses.replace(frame, depth_image=None), probabilities)
    coarse = measure(*scene.take(scene.aim(MIDDLE, 8.0, 2.0, 180.0), [scene.person(*TARGET)], far=500.0), far=500.0)
    # In a corner far away, where a pixel is wider than a step of depth.
    corner = measure(
        *scene.take((-60.0, -50.0, 30.0, 0.0, -5.0, 6.0), [scene.Block((12.0, -7.0, 0.0), (2, 2, 1.8), 2)])
    )
    assert corner.range.metres > 60
    for place in (near, by_height, coarse, corner):
        assert place.covariance == pytest.approx(place.covariance.T)
        assert (np.linalg.eigvalsh(place.covariance) > 0).all()
    assert by_height.covariance[0, 0] > 9 * by_height.covariance[1, 1]
    assert coarse.covariance[0, 0] > 4 * near.covariance[0, 0]
