"""FCN-8s starts with bilinear upsampling and without an opinion, for frames of any multiple of 32 and any classes."""

import cv2
import numpy as np
import pytest
from keras import layers

from model.networks.fcn8 import Fcn8, bilinear_kernel


@pytest.mark.parametrize("factor", [2, 8])
def test_transposed_convolutions_start_as_bilinear_upsampling(factor):
    scores = np.random.default_rng(0).normal(size=(6, 9, 2)).astype(np.float32)
    layer = layers.Conv2DTranspose(2, 2 * factor, strides=factor, padding="same", use_bias=False)
    layer.build((None, 6, 9, 2))
    layer.set_weights([bilinear_kernel(factor, 2)])
    found = np.asarray(layer(scores[None]))[0]
    expected = cv2.resize(scores, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    inside = np.s_[factor:-factor, factor:-factor]  # beyond its edge a convolution sees zeros
    assert found.shape == expected.shape
    np.testing.assert_allclose(found[inside], expected[inside], atol=1e-5)


def test_a_fresh_network_predicts_all_classes_alike():
    network = Fcn8().build((32, 64), classes=4)
    image = np.random.default_rng(1).uniform(0, 255, (1, 32, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(network(image)), np.full((1, 32, 64, 4), 0.25), atol=1e-6)


def test_sizes_are_multiples_of_32():
    with pytest.raises(ValueError, match=r"a multiple of 32, got \(160, 600\)"):
        Fcn8().build((160, 600))
