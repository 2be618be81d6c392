"""FCN-8s on VGG16 (Long, Shelhamer and Darrell 2015), as trained at once: a network whose encoder has known weights.

The scores of three levels of VGG16's convolutions are added from coarse to fine. VGG16's fully connected layers, which
would be two convolutions with 119 of its 134 million weights, are left out: the coarsest scores are pool5's.
`model.weights.encoders.load` reads weights for the encoder. It expects what VGG16 does: the mean colour of ImageNet is
subtracted here, and the range stays -124..151.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from dataset.schema import CLASSES
from model.settings import Size, shape_of

VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))  # channels of each convolution
MEAN_COLOUR = (123.68, 116.779, 103.939)  # of ImageNet, RGB
STRIDE = 32  # pixels, of the coarsest level


@dataclass(frozen=True)
class Fcn8:
    """Scores of pool5, pool4 and pool3, upsampled by 2, 2 and 8 with learnt kernels that start as bilinear ones."""

    scales: tuple[float, float, float] = (0.03, 0.1, 0.1)  # of the features of pool3, pool4 and pool5, see `_scores`
    input_size: Size = (160, 576)

    def build(self, input_size: Size | None = None, classes: int = len(CLASSES)) -> keras.Model:
        """Return a network for frames of `input_size`, multiples of 32, and so many classes."""
        size = shape_of(input_size or self.input_size)
        if any(each % STRIDE for each in size):
            raise ValueError(f"expected an input size that is a multiple of {STRIDE}, got {size}")
        image = keras.Input((*size, 3), name="image")
        x = layers.Rescaling(1.0, offset=[-each for each in MEAN_COLOUR], name="subtract_mean")(image)
        pools = []
        for block, widths in enumerate(VGG16, 1):
            for convolution, width in enumerate(widths, 1):
                name = f"block{block}_conv{convolution}"
                x = layers.Conv2D(
                    width, 3, padding="same", activation="relu", kernel_initializer="he_normal", name=name
                )(x)
            x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
            pools.append(x)
        _, _, pool3, pool4, pool5 = pools
        x = _upsampled(_scores(pool5, classes, self.scales[2], "pool5"), 2, "up_pool5")
        x = layers.Add(name="join_pool4")([x, _scores(pool4, classes, self.scales[1], "pool4")])
        x = _upsampled(x, 2, "up_pool4")
        x = layers.Add(name="join_pool3")([x, _scores(pool3, classes, self.scales[0], "pool3")])
        x = _upsampled(x, 8, "logits")
        network = keras.Model(image, layers.Softmax(dtype="float32", name="probabilities")(x))
        for layer in network.layers:
            if isinstance(layer, layers.Conv2DTranspose):
                layer.set_weights([bilinear_kernel(layer.strides[0], classes)])
        return network


def bilinear_kernel(factor: int, channels: int) -> np.ndarray:
    """Return the kernel of a transposed convolution that upsamples bilinearly by an even `factor`, channel by channel.

    (2 * factor, 2 * factor, channels, channels) float32.
    """
    line = 1 - np.abs(np.arange(2 * factor) - (factor - 0.5)) / factor
    return np.asarray(np.outer(line, line)[..., None, None] * np.eye(channels), np.float32)


def _scores(features: keras.KerasTensor, classes: int, scale: float, level: str) -> keras.KerasTensor:
    """Return scores of the classes, of scaled features: VGG16's are large, and of another size at each level.

    The scores start at zero, as the original's. Its scales (1e-4, 1e-2, 1) are for stochastic gradient descent; with
    Adam's steps, whose length does not depend on the gradient's, pool3 would hardly be used.
    """
    scaled = layers.Rescaling(scale, name=f"scale_{level}")(features)
    return layers.Conv2D(classes, 1, kernel_initializer="zeros", name=f"score_{level}")(scaled)


def _upsampled(x: keras.KerasTensor, factor: int, name: str) -> keras.KerasTensor:
    channels = x.shape[-1]
    return layers.Conv2DTranspose(channels, 2 * factor, strides=factor, padding="same", use_bias=False, name=name)(x)
