"""The network that a training starts from: a preset, the model of --init, or a preset with that model's weights."""

from dataclasses import replace

import keras
import numpy as np

from model import networks
from model.console import print_plain
from model.settings import TrainSettings
from model.training.arguments import Arguments
from model.weights import LoadedModel, WeightsError, check_savable


def initial_network(options: Arguments, settings: TrainSettings, loaded: LoadedModel | None) -> keras.Model:
    """Return the network to train; `loaded` is the model of --init.

    Raises WeightsError for a model that cannot be saved again, ValueError for one that does not fit.
    """
    if loaded is None:
        return networks.build(settings.preset, settings.input_size or None)
    if loaded.is_legacy:
        if options.promote:
            raise ValueError(f"--promote replaces one of our own .h5 files; {options.init} is a model of 2017")
        try:
            check_savable(loaded.model)
        except WeightsError as error:
            raise WeightsError(f"--init: {options.init} cannot be trained. {error}") from error
    network = loaded.model
    if options.preset is not None:
        network = networks.build(settings.preset, settings.input_size or network.input_shape[1])
        try:
            fraction = warm_start(network, loaded.model)
        except ValueError as error:
            raise ValueError(f"--init: {options.init} cannot initialise a {settings.preset}: {error}") from error
        print_plain(f"{fraction:.1%} of the {settings.preset}'s weights are those of {options.init}")
    size = network.input_shape[1]
    if settings.input_size not in (0, size):
        raise ValueError(f"input_size is {settings.input_size}, but {options.init} takes frames of {size} pixels")
    return network


def adapt_settings(settings: TrainSettings, network: keras.Model, fine_tuning: bool) -> TrainSettings:
    """Limit crops to the network's input size, and take the learning rates for fine-tuning.

    Raises ValueError if the network does not take crops of that size.
    """
    size = network.input_shape[1]
    crop = min(settings.augmentation.crop, size)
    if crop < size:
        try:
            networks.clone_with(network, dtype="float32", shape=(crop, crop, 3))
        except ValueError as error:
            raise ValueError(
                f"augmentation.crop: the network does not take crops of {crop} pixels; ours take multiples of 32"
            ) from error
    settings = replace(settings, augmentation=replace(settings.augmentation, crop=crop))
    if not fine_tuning:
        return settings
    rate = settings.fine_tuning_learning_rate
    later = settings.second_half_learning_rate * rate / settings.learning_rate
    return replace(settings, learning_rate=rate, second_half_learning_rate=later)


def warm_start(network: keras.Model, source: keras.Model) -> float:
    """Set the weights of each layer to those of the layer of the same name in `source`, where they fit.

    A kernel with more input channels than the source's gets zeros for them, so that the network computes what the
    source does until it learns to use them (function-preserving as in Chen et al. 2016, Net2Net).

    Returns the fraction of the network's weights that come from `source`. Raises ValueError if no layer fits.
    """
    known = {layer.name: layer.get_weights() for layer in source.layers}
    copied = 0
    for layer in network.layers:
        weights = known.get(layer.name, [])
        shapes = [weight.shape for weight in layer.weights]
        if weights and len(weights) == len(shapes) and all(map(_fits, weights, shapes)):
            layer.set_weights([_pad(weight, shape) for weight, shape in zip(weights, shapes, strict=True)])
            copied += sum(weight.size for weight in weights)
    if not copied:
        raise ValueError("no layer of it has the name and shape of one of this network's")
    return copied / int(network.count_params())


def _fits(weight: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Return whether the shapes are equal, except that a kernel (rows, columns, in, out) may have fewer channels in."""
    if len(shape) == weight.ndim == 4 and weight.shape[2] < shape[2]:
        return (*weight.shape[:2], weight.shape[3]) == (*shape[:2], shape[3])
    return weight.shape == shape


def _pad(weight: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.pad(weight, [(0, wanted - size) for wanted, size in zip(shape, weight.shape, strict=True)])
