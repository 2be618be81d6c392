"""Begins a network of one architecture with what one of another has learnt."""

import keras
import numpy as np


def warm_start(network: keras.Model, source: keras.Model) -> float:
    """Gives each layer of `network` the weights of the layer of that name in `source`, where they fit.

    A kernel that takes more channels than the source's has zeros for the further ones: the network answers as the
    source does, until it learns what they are good for (as Chen et al. 2016, Net2Net, keep the function). A layer that
    is new, or differs otherwise, stays as it is.

    Returns the share of the network's weights that come from `source`. Raises ValueError when no layer fits.
    """
    known = {layer.name: layer.get_weights() for layer in source.layers}
    taken = 0
    for layer in network.layers:
        weights = known.get(layer.name, [])
        shapes = [weight.shape for weight in layer.weights]
        if weights and len(weights) == len(shapes) and all(map(_fits, weights, shapes)):
            layer.set_weights([_padded(weight, shape) for weight, shape in zip(weights, shapes, strict=True)])
            taken += sum(weight.size for weight in weights)
    if not taken:
        raise ValueError("no layer of it has the name and shape of one of this network's")
    return taken / network.count_params()


def _fits(weight: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether the shapes are equal, but for a kernel (rows, cols, in, out) that takes fewer channels."""
    if len(shape) != 4 or weight.ndim != 4:
        return weight.shape == shape
    return weight.shape[2] <= shape[2] and (*weight.shape[:2], weight.shape[3]) == (*shape[:2], shape[3])


def _padded(weight: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.pad(weight, [(0, wanted - there) for wanted, there in zip(shape, weight.shape, strict=True)])
