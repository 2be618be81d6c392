"""The network that a training starts from: a preset, the model of --init, or a preset with that model's weights."""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from dataset.schema import Classes
from model import networks
from model.console import print_plain
from model.settings import Size, TrainSettings, shape_of
from model.training.arguments import Arguments
from model.weights import LoadedModel, WeightsError, check_savable
from model.weights.encoders.load import NONE, encoder_loader, load_encoder


def initial_network(
    options: Arguments, settings: TrainSettings, loaded: LoadedModel | None, classes: Classes
) -> tuple[keras.Model, float]:
    """Return the network to train, and the fraction of its weights that come from --init.

    `loaded` is the model of --init, `classes` are those of the data.

    Raises WeightsError for a model that cannot be saved again and for weights that do not fit, ValueError for a model
    that does not fit.
    """
    if loaded is None:
        network = networks.build(settings.preset, settings.input_size or None, settings.network, len(classes))
        if options.encoder_weights not in (None, NONE):
            fraction = load_encoder(network, options.encoder_weights)
            print_plain(f"{fraction:.1%} of the {settings.preset}'s weights are those of {options.encoder_weights}")
        elif options.encoder_weights is None and encoder_loader(network):
            print_plain("all weights are fresh; --encoder-weights imagenet or FILE starts from learnt ones", "yellow")
        return network, 0.0
    if loaded.is_legacy:
        try:
            check_savable(loaded.model)
        except WeightsError as error:
            raise WeightsError(f"--init: {options.init} cannot be trained. {error}") from error
    network, fraction = loaded.model, 1.0
    if settings.network and options.preset is None:
        raise ValueError("the settings of [network] change a preset: with --init, name it by --preset")
    if options.preset is None:
        loaded.check_classes(classes, "the data", "; --preset takes over what fits of it to other classes")
    else:
        size = settings.input_size or loaded.input_size
        network = networks.build(settings.preset, size, settings.network, len(classes))
        try:
            fraction = warm_start(network, loaded.model)
        except ValueError as error:
            raise ValueError(f"--init: {options.init} cannot initialise a {settings.preset}: {error}") from error
        print_plain(f"{fraction:.1%} of the {settings.preset}'s weights are those of {options.init}")
    size = network.input_shape[1:3]
    if network.output_shape[1:3] != size:
        (rows, columns), (rows_out, columns_out) = size, network.output_shape[1:3]
        raise ValueError(
            f"--init: {options.init} takes {columns}x{rows} pixels and gives {columns_out}x{rows_out}; it can fly, but"
            " only a network that gives as many pixels as it takes can be trained"
        )
    if not network.trainable_variables:
        raise ValueError(f"--init: {options.init} has no weights to train: it was saved with trainable = False")
    if settings.input_size and shape_of(settings.input_size) != size:
        taken = size[0] if size[0] == size[1] else size
        raise ValueError(f"input_size is {settings.input_size}, but {options.init} takes frames of {taken} pixels")
    return network, fraction


def adapt_settings(
    settings: TrainSettings, network: keras.Model, fine_tuning: bool, transferred: bool = False
) -> TrainSettings:
    """Limit crops to the network's input size, and take the learning rates for fine-tuning and for transferred weights.

    `fine_tuning`: most weights are trained ones; `transferred`: those of the encoder.

    Raises ValueError if the network does not take crops of that size.
    """
    rows, columns = map(min, shape_of(settings.augmentation.crop), network.input_shape[1:3])
    crop: Size = rows if rows == columns else (rows, columns)
    if not _takes(network, (None, None), (rows, columns)):
        raise ValueError(
            f"augmentation.crop: the network does not take crops of {crop} pixels and give as many; ours take multiples"
            " of 32, networks with layers for one size (Flatten, Reshape, Resizing) take none"
        )
    settings = replace(settings, augmentation=replace(settings.augmentation, crop=crop))
    if not (fine_tuning or transferred):
        return replace(settings, encoder_learning_rate=1.0, frozen_levels=0)
    if not fine_tuning:
        return settings
    rate = settings.fine_tuning_learning_rate
    later = settings.second_half_learning_rate * rate / settings.learning_rate
    return replace(settings, learning_rate=rate, second_half_learning_rate=later)


def check_teacher(name: str, teacher: keras.Model, network: keras.Model, crop: Size) -> None:
    """Raise ValueError unless a teacher gives a probability for each pixel of the frames and crops of `network`."""
    if not _takes(teacher, network.input_shape[1:3], shape_of(crop)):
        raise ValueError(f"--teacher: {name} does not give as many pixels as it takes for crops of {crop} pixels")


def _takes(network: keras.Model, *sizes: tuple[int | None, int | None]) -> bool:
    """Return whether a network takes frames of all these (rows, columns), None: any, and gives as many pixels."""
    try:
        shapes = [networks.clone_with(network, dtype="float32", shape=(*size, 3)).output_shape[1:3] for size in sizes]
    except (ValueError, TypeError):  # Keras, for shapes that do not fit
        return False
    return all(shape == size for shape, size in zip(shapes, sizes, strict=True))


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
        if weights and (fitted := fitted_weights(weights, layer)) is not None:
            layer.set_weights(fitted)
            copied += sum(weight.size for weight in weights)
    if not copied:
        raise ValueError("no layer of it has the name and shape of one of this network's")
    return copied / int(network.count_params())


def fitted_weights(weights: Sequence[np.ndarray], layer: keras.Layer) -> list[np.ndarray] | None:
    """Return weights in the shapes of a layer's, kernels with zeros for channels that are missing; None if unfit."""
    shapes = [tuple(weight.shape) for weight in layer.weights]
    if len(weights) != len(shapes) or not all(map(_fits, weights, shapes)):
        return None
    return [_pad(weight, shape) for weight, shape in zip(weights, shapes, strict=True)]


def _fits(weight: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Return whether the shapes are equal, except that a kernel (rows, columns, in, out) may have fewer channels in."""
    if len(shape) == weight.ndim == 4 and weight.shape[2] < shape[2]:
        return (*weight.shape[:2], weight.shape[3]) == (*shape[:2], shape[3])
    return weight.shape == shape


def _pad(weight: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.pad(weight, [(0, wanted - size) for wanted, size in zip(shape, weight.shape, strict=True)])
