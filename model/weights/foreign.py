"""Make networks of other makers take and give what ours do: RGB in 0..255, and class probabilities in our order.

What they take and give is found out on known frames. Layers before and behind them make up for the difference, so that
they fly, and can be measured, trained and exported, like any other.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers

from dataset.schema import CLASSES, REFERENCE_SIZE
from model.weights.conventions import IN_ORDER, RANGES, RGB, Convention, find_convention

SUM_TOLERANCE = 0.01  # of probabilities
GUESSED = "a guess (it detects no one in the known frames; if it takes others, save it with a Rescaling layer in front)"


@dataclass(frozen=True)
class AdaptedNetwork:
    """A network that takes and gives what ours do."""

    network: keras.Model
    description: str  # of what it took and gave before, for display
    changed: bool  # whether it takes or gives something else than in its file
    finds_people: bool  # in the known frames; if not, it may not be trained yet


def adapt(network: keras.Model, usual: str) -> AdaptedNetwork:
    """Return a network of another maker with the layers that it needs before and behind it, without nested models.

    `usual` is what networks of its kind take, a key of `RANGES`; it must turn 0..255 into that already. One that takes
    images of any size gets REFERENCE_SIZE. Raises ValueError for a network that cannot be used.
    """
    image = keras.Input((*_input_size(network), 3), name="image")
    plain = keras.Model(image, _output(network, image))
    size = plain.input_shape[1:3]
    factor, offset = RANGES[usual]
    trial = find_convention(lambda taken: plain.predict_on_batch((taken - offset) / factor), size, usual)
    if not np.isfinite(trial.output).all():
        raise ValueError(
            f"the network gives numbers that are not finite for images in {usual}: the training that wrote it diverged,"
            " or it takes other numbers"
        )
    ending = _ending(plain, trial.output)
    if ending == "sigmoid":  # log p, whose softmax is p divided by its sum
        plain.layers[-1].activation = keras.activations.log_sigmoid
    before, behind = _layers_before(trial.convention, usual), _layers_behind(trial.convention, ending)
    adapted = keras.Model(image, _chain([*before, plain, *behind], image), name=network.name)
    is_certain = trial.succeeded or _rescales_itself(plain, usual)
    notes = [trial.convention.describe(), *([] if is_certain else [GUESSED])]
    notes += [] if ending == "probabilities" else [f"ends in {ending}, softmax added"]
    shapes = [(each.input_shape, each.output_shape) for each in (network, adapted)]
    changed = bool(before or behind) or shapes[0] != shapes[1]
    return AdaptedNetwork(adapted, ", ".join(notes), changed, finds_people=trial.succeeded)


def _input_size(network: keras.Model) -> tuple[int, int]:
    """Return (rows, columns) of the images that a network takes. Raises ValueError if it takes something else."""
    if len(network.inputs) != 1:
        raise ValueError(f"the network takes {len(network.inputs)} inputs; expected one image")
    shape = tuple(network.inputs[0].shape)
    if len(shape) != 4 or shape[3] != 3:
        raise ValueError(f"the network takes {shape}; expected (batch, rows, columns, 3), RGB")
    return shape[1] or REFERENCE_SIZE, shape[2] or REFERENCE_SIZE


def _output(network: keras.Model, image: keras.KerasTensor) -> keras.KerasTensor:
    """Apply a network; return its output, (n, rows, columns, 3). Raises ValueError if it gives something else."""
    outputs = keras.tree.flatten(_chain([network], image))
    if len(outputs) != 1:
        raise ValueError(f"the network gives {len(outputs)} outputs; expected one, the probabilities of the classes")
    (output,) = outputs
    rows, columns = image.shape[1:3]
    if tuple(output.shape[1:]) == (rows * columns, len(CLASSES)):
        return layers.Reshape((rows, columns, len(CLASSES)), name="adapt_shape")(output)
    if len(output.shape) != 4 or output.shape[3] != len(CLASSES):
        raise ValueError(
            f"the network returns {tuple(output.shape)}; expected (batch, rows, columns, 3), the probabilities of"
            f" {', '.join(CLASSES)}"
        )
    return output


def _rescales_itself(network: keras.Model, usual: str) -> bool:
    """Return whether a network that `adapt` has not changed yet begins with a layer of its own for pixels in 0..255."""
    return usual == "0..255" and isinstance(network.layers[1], layers.Rescaling)


def _ending(network: keras.Model, output: np.ndarray) -> str:
    """Return what the output is: probabilities, sigmoid or logits. Raises ValueError if it is none of these."""
    if output.min() < 0 or output.max() > 1:
        return "logits"
    if np.abs(output.sum(axis=-1) - 1).max() <= SUM_TOLERANCE:
        return "probabilities"
    activation = getattr(getattr(network.layers[-1], "activation", None), "__name__", "")
    if activation in ("sigmoid", "linear"):
        return "logits" if activation == "linear" else activation
    raise ValueError("the three values of a pixel do not add up to 1; end the network with softmax over its channels")


def _layers_before(convention: Convention, usual: str) -> list[layers.Layer]:
    """Return the layers that turn RGB in 0..255 into what a network takes that rescales it to `usual` itself."""
    if (convention.pixels, convention.colours) == (usual, RGB):
        return []
    (factor, offset), (own_factor, own_offset) = RANGES[convention.pixels], RANGES[usual]
    factor, offset = factor / own_factor, (offset - own_offset) / own_factor
    rescaling = layers.Rescaling(factor, offset, name="adapt_range")
    return [rescaling] if convention.colours == RGB else [rescaling, _reordering(convention.colours, "adapt_colours")]


def _layers_behind(convention: Convention, ending: str) -> list[layers.Layer]:
    reordering = [] if convention.classes == IN_ORDER else [_reordering(convention.classes, "adapt_classes")]
    return reordering + ([] if ending == "probabilities" else [layers.Softmax(dtype="float32", name="adapt_softmax")])


def _reordering(channels: tuple[int, ...], name: str) -> layers.Layer:
    """Return a layer whose channel k is channel `channels[k]` of its input; a convolution, which every runtime has."""
    kernel = np.eye(len(channels), dtype=np.float32)[:, channels]
    layer = layers.Conv2D(len(channels), 1, use_bias=False, trainable=False, name=name)
    layer.build((None, None, None, len(channels)))
    layer.set_weights([kernel[None, None]])
    return layer


def _chain(parts: list[layers.Layer], x: keras.KerasTensor) -> Any:
    """Apply layers and networks one after the other; the layers of networks, nested ones too, become the model's own.

    Layers keep their names, unless two have the same.
    """
    names: dict[str, layers.Layer] = {}

    def apply(part: layers.Layer, x: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(part, keras.Sequential):
            for layer in part.layers:
                x = apply(layer, x)
            return x
        if isinstance(part, keras.Model):
            return part._run_through_graph(x, operation_fn=lambda operation: partial(apply, operation))
        while names.setdefault(part.name, part) is not part:
            part.name += "_"
        return part(x, *arguments, **options)

    for part in parts:
        x = apply(part, x)
    return x
