"""Rebuild the graph of a 2017 model in Keras 3: functional, Sequential and nested models, shared layers."""

import re
from collections.abc import Sequence

import keras

from model.legacy.architecture import (
    MODEL_CLASSES,
    Graph,
    Spec,
    bilinear_is_tf1,
    input_size,
    keras_version,
    read_graph,
)
from model.legacy.arguments import LegacyError
from model.legacy.layers import build_layer
from model.legacy.stored_weights import Path

_IMAGE, _RESCALE, _UNFLATTEN = _OWN_NAMES = ("image", "rescale_to_signed", "unflatten")


def build_model(architecture: Spec, name: str) -> tuple[keras.Model, dict[Path, keras.Layer], set[Path]]:
    """Return the Keras 3 model with fresh weights, its layers under the configuration's names, and the frozen ones.

    The model takes (n, rows, columns, 3) float32 RGB in 0..255 (the rescaling to -1..1 of the original's image reader
    is its first layer, unless it has a rescaling of its own there) and returns (n, rows, columns, 3) class
    probabilities. Raises LegacyError.
    """
    try:
        return _build_model(architecture, name)
    except LegacyError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError, RecursionError) as error:
        raise LegacyError(f"the configuration is malformed ({type(error).__name__}: {_first_line(error)})") from error


def _build_model(architecture: Spec, name: str) -> tuple[keras.Model, dict[Path, keras.Layer], set[Path]]:
    rows, columns = input_size(architecture)
    builder = _Builder(bilinear_is_tf1(keras_version(architecture)))
    builder.add(architecture, ())
    image = keras.Input((rows, columns, 3), name=_IMAGE)
    rescaling = [] if _rescales_itself(architecture) else [keras.layers.Rescaling(1 / 127.5, offset=-1, name=_RESCALE)]
    outputs = builder.apply((), [layer(image) for layer in rescaling] or [image])
    if len(outputs) != 1:
        raise LegacyError(f"the model has {len(outputs)} outputs; expected one map of class probabilities")
    output = outputs[0]
    if len(output.shape) == 3 and tuple(output.shape[1:]) == (rows * columns, 3):
        output = keras.layers.Reshape((rows, columns, 3), name=_UNFLATTEN)(output)
    if len(output.shape) != 4 or output.shape[-1] != 3:
        raise LegacyError(
            f"the output's shape is {tuple(output.shape)}; expected (batch, rows, columns, 3): background, people, hero"
        )
    # TensorFlow takes names of ASCII letters and digits that do not begin with a punctuation mark.
    model = keras.Model(image, output, name=re.sub(r"[^A-Za-z0-9.]+", "_", name).strip("_") or "legacy")
    return model, builder.layers, builder.frozen


def takes_signed(model: keras.Model) -> bool:
    """Return whether a model of `build_model` was saved to take -1..1; if not, it rescales 0..255 itself."""
    return any(layer.name == _RESCALE for layer in model.layers)


def _rescales_itself(spec: Spec) -> bool:
    """Return whether a model, or a model that it begins with, has a Rescaling layer first, as some of Keras 2 have."""
    graph = read_graph(spec)
    first = {layer for (layer, _), sources in graph.uses.items() if set(sources) & set(graph.inputs)}
    begins = [graph.layers[layer] for layer in first]
    return bool(begins) and all(
        _rescales_itself(each) if each["class_name"] in MODEL_CLASSES else each["class_name"] == "Rescaling"
        for each in begins
    )


class _Builder:
    """Makes each layer once, whatever model it is nested in, and applies models to tensors."""

    def __init__(self, bilinear_is_tf1: bool):
        self._bilinear_is_tf1 = bilinear_is_tf1
        self.layers: dict[Path, keras.Layer] = {}  # in the configuration's order
        self.frozen: set[Path] = set()  # layers that were not trained
        self._graphs: dict[Path, Graph] = {}  # of models
        self._names = set(_OWN_NAMES)

    def add(self, spec: Spec, path: Path) -> None:
        """Make a layer, or all layers of a model."""
        if spec["class_name"] in MODEL_CLASSES:
            graph = self._graphs[path] = read_graph(spec)
            for name, inner in graph.layers.items():
                self.add(inner, (*path, name))
            return
        name = self._unique("_".join(path))
        try:
            self.layers[path] = build_layer(spec["class_name"], spec["config"], name, self._bilinear_is_tf1)
        except (ValueError, TypeError) as error:
            raise LegacyError(f"the layer {path[-1]!r} cannot be rebuilt: {_first_line(error)}") from error
        if not spec["config"].get("trainable", True):
            self.frozen.add(path)

    def apply(self, path: Path, tensors: Sequence[keras.KerasTensor]) -> list[keras.KerasTensor]:
        """Apply a layer or a model to symbolic tensors, one for each input; return one for each output."""
        if path in self.layers:
            try:
                return [self.layers[path](tensors if len(tensors) > 1 else tensors[0])]
            except Exception as error:  # Keras raises many kinds for shapes and arguments that do not fit
                shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
                reason = f"does not fit its input {shapes}: {_first_line(error)}"
                raise LegacyError(f"the layer {path[-1]!r} {reason}") from error
        graph = self._graphs[path]
        if len(tensors) != len(graph.inputs):
            raise LegacyError(f"the model {graph.name!r} takes {len(graph.inputs)} inputs, but is given {len(tensors)}")
        known = dict(zip(graph.inputs, tensors, strict=True))
        pending = dict(graph.uses)
        while ready := [use for use, sources in pending.items() if all(source in known for source in sources)]:
            for layer, node in ready:
                results = self.apply((*path, layer), [known[source] for source in pending.pop((layer, node))])
                known |= {(layer, node, index): result for index, result in enumerate(results)}
        if pending:
            names = ", ".join(sorted({layer for layer, _ in pending})[:5])
            raise LegacyError(f"the layers {names} take inputs that are no layer's output")
        for layer, node, index in graph.outputs:
            if (layer, node, index) not in known:
                raise LegacyError(f"the layer {layer!r} has no output {index} at its use {node}")
        return [known[output] for output in graph.outputs]

    def _unique(self, name: str) -> str:
        """Return the name as Keras 3 takes it, and only once."""
        base = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
        unique, count = base, 1
        while unique in self._names:
            count += 1
            unique = f"{base}_{count}"
        self._names.add(unique)
        return unique


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
