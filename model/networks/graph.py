"""The cost of a network, and copies of it for other input shapes and precisions."""

from math import prod

import keras
from keras import layers


def multiply_accumulates(network: keras.Model) -> int:
    """Return the multiply-accumulates of all convolutions for one frame."""
    total = 0
    for layer in network.layers:
        if kernels := [weight for weight in layer.weights if len(weight.shape) == 4]:
            call = layer._inbound_nodes[-1]  # `layer.output` is that of the first, perhaps of images of any size
            (grid,) = call.input_tensors if isinstance(layer, layers.Conv2DTranspose) else call.output_tensors
            total += sum(prod(kernel.shape) for kernel in kernels) * prod(grid.shape[1:3])
    return total


def clone_with(network: keras.Model, *, dtype: str, shape: tuple[int | None, ...]) -> keras.Model:
    """Return a copy with the same weights for another input shape and dtype policy; probabilities stay float32."""

    def clone(layer: keras.Layer) -> keras.Layer:
        policy = "float32" if layer is network.layers[-1] else dtype
        return layer.__class__.from_config(layer.get_config() | {"dtype": policy})

    copy = keras.models.clone_model(network, keras.Input(shape, name="image"), clone_function=clone)
    copy.set_weights(network.get_weights())
    return copy
