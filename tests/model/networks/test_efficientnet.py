"""EfficientNet-Lite0 with fresh weights can be used as soon as it has learnt."""

import keras
import numpy as np

from model.networks import build


def test_what_batch_normalisation_sees_at_first_is_near_what_its_moving_variances_begin_with():
    network = build("efficientnet-lite0", 64)
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    frames = np.random.default_rng(1).uniform(0, 255, (4, 64, 64, 3)).astype(np.float32)
    inputs = keras.Model(network.input, [norm.input for norm in norms])(frames, training=True)
    variances = {norm.name: float(np.var(np.asarray(each))) for norm, each in zip(norms, inputs, strict=True)}
    assert len(variances) > 40
    assert not {name: variance for name, variance in variances.items() if not 0.05 < variance < 20}
