"""Transfer learning: encoders that start from trained weights learn more slowly than other layers, or not at all."""

import keras

from model.networks import encoder_level
from model.settings import TrainSettings


def prepare(network: keras.Model, settings: TrainSettings) -> list[keras.Variable]:
    """Freeze levels of the encoder and penalise the kernels behind it; return the encoder's other variables.

    Raises ValueError for a network whose encoder is not known by the names of its layers, if the settings need it.
    """
    levels = {layer: encoder_level(layer.name) for layer in network.layers}
    if not any(levels.values()) and (settings.frozen_levels or settings.encoder_learning_rate < 1):
        raise ValueError(
            "frozen_levels and encoder_learning_rate are for the presets' networks, whose encoders are known by name"
        )
    encoder = []
    for layer, level in levels.items():
        if level is None:
            for variable in layer.trainable_variables:
                if settings.loss.l2 and len(variable.shape) == 4:
                    variable.regularizer = keras.regularizers.L2(settings.loss.l2)
        elif level <= settings.frozen_levels:
            layer.trainable = False
        else:
            encoder += layer.trainable_variables
    if not network.trainable_variables:
        raise ValueError(f"frozen_levels = {settings.frozen_levels} leaves no weights to train")
    return encoder
