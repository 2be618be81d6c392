"""Rebuild the graph of a 2017 model in Keras 3: functional, Sequential and nested models, shared layers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from model.legacy.architecture import (
    MODEL_CLASSES,
    bilinear_is_tf1,
    input_size,
    keras_version,
    layer_name,
    read_triples,
)
from model.legacy.arguments import LegacyError
from model.legacy.layers import build_layer
from model.legacy.stored_weights import ModelWeight, weights_of_layer

_IMAGE, _RESCALE, _UNFLATTEN = _OWN_NAMES = ("image", "rescale_to_signed", "unflatten")
Triple = tuple[str, int, int]  # layer, node (its how-manyth use), index of the tensor in that use's output


def build_model(architecture: Mapping[str, Any], name: str) -> tuple[keras.Model, "Network"]:
    """Return the Keras 3 model with fresh weights, and its network for `weights_of_network`.

    The model takes (n, rows, columns, 3) float32 RGB in 0..255 (the rescaling to -1..1 of the original's image reader
    is its first layer) and returns (n, rows, columns, 3) class probabilities. Raises LegacyError.
    """
    try:
        return _build_model(architecture, name)
    except LegacyError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError, RecursionError) as error:
        raise LegacyError(f"the configuration is malformed ({type(error).__name__}: {_first_line(error)})") from error


def _build_model(architecture: Mapping[str, Any], name: str) -> tuple[keras.Model, "Network"]:
    rows, columns = input_size(architecture)
    network = _NetworkReader(bilinear_is_tf1(keras_version(architecture))).read(architecture, prefix="")
    image = keras.Input((rows, columns, 3), name=_IMAGE)
    outputs = network([keras.layers.Rescaling(1 / 127.5, offset=-1, name=_RESCALE)(image)])
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
    return keras.Model(image, output, name=re.sub(r"[^A-Za-z0-9.]+", "_", name).strip("_") or "legacy"), network


@dataclass
class Network:
    """Layers of one (possibly nested) model, in the configuration's order, and their connections.

    `blocks` maps a layer's name to the Keras 3 layer or to a nested Network; calling a network applies its graph.
    """

    name: str
    blocks: dict[str, "keras.Layer | Network"]
    calls: list["Call"]
    inputs: list[Triple]
    outputs: list[Triple]
    trainable: dict[str, bool] = field(default_factory=dict)

    def __call__(self, tensors: Sequence[keras.KerasTensor]) -> list[keras.KerasTensor]:
        """Apply the graph to symbolic tensors, one for each input; return one for each output."""
        if len(tensors) != len(self.inputs):
            raise LegacyError(f"the model {self.name!r} takes {len(self.inputs)} inputs, but is given {len(tensors)}")
        known: Outputs = {(name, node): {index: x} for (name, node, index), x in zip(self.inputs, tensors, strict=True)}
        pending = self.calls
        while pending:
            blocked = []
            for call in pending:
                if all((name, node) in known for name, node, _ in call.sources):
                    results = self._apply(call, [_pick(known, source) for source in call.sources])
                    known[call.layer, call.node] = dict(enumerate(results))
                else:
                    blocked.append(call)
            if len(blocked) == len(pending):
                names = ", ".join(sorted({call.layer for call in blocked})[:5])
                raise LegacyError(f"the layers {names} take inputs that are no layer's output")
            pending = blocked
        return [_pick(known, output) for output in self.outputs]

    def _apply(self, call: "Call", tensors: list[keras.KerasTensor]) -> list[keras.KerasTensor]:
        block = self.blocks[call.layer]
        if isinstance(block, Network):
            return block(tensors)
        try:
            return [block(tensors if len(tensors) > 1 else tensors[0])]
        except LegacyError:
            raise
        except Exception as error:  # Keras raises many kinds for shapes and arguments that do not fit
            shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
            raise LegacyError(
                f"the layer {call.layer!r} does not fit its input {shapes}: {_first_line(error)}"
            ) from error


@dataclass(frozen=True)
class Call:
    """One use of a layer, `node` of them before it, on the outputs of other layers."""

    layer: str
    node: int
    sources: tuple[Triple, ...]


Outputs = dict[tuple[str, int], dict[int, keras.KerasTensor]]  # (layer, node) -> its tensors by index


def _pick(outputs: Outputs, source: Triple) -> keras.KerasTensor:
    name, node, index = source
    tensors = outputs.get((name, node), {})
    if index not in tensors:
        raise LegacyError(f"the layer {name!r} has no output {index} at its use {node}")
    return tensors[index]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def weights_of_network(network: Network, path: tuple[str, ...] = ()) -> dict[str, list[ModelWeight]]:
    """Return the weights of a built network under the names of its configuration, by top-level layer."""
    weights = {}
    for name, block in network.blocks.items():
        if isinstance(block, Network):
            weights[name] = [each for group in weights_of_network(block, (*path, name)).values() for each in group]
        else:
            weights[name] = weights_of_layer(block, (*path, name), network.trainable[name])
    return weights


class _NetworkReader:
    """Turns configurations into networks, with layer names that are unique, as Keras 3 needs them."""

    def __init__(self, bilinear_is_tf1: bool):
        self._bilinear_is_tf1 = bilinear_is_tf1
        self._names = set(_OWN_NAMES)

    def read(self, spec: Mapping[str, Any], prefix: str) -> Network:
        config = spec["config"]
        if spec["class_name"] == "Sequential":
            return self._read_sequential(config, prefix)
        return self._read_functional(config, prefix)

    def _read_sequential(self, config: Any, prefix: str) -> Network:
        specs = config["layers"] if isinstance(config, Mapping) else config
        name = config.get("name", "sequential") if isinstance(config, Mapping) else "sequential"
        source = ("", 0, 0)
        network = Network(name, {}, [], [source], [source])
        for spec in specs:
            if spec["class_name"] == "InputLayer":
                continue
            layer = layer_name(spec)
            if layer in network.blocks:
                layer = f"{layer}_{len(network.blocks)}"
            self._add(network, layer, spec, prefix)
            network.calls.append(Call(layer, 0, (source,)))
            source = (layer, 0, 0)
        network.outputs[:] = [source]
        return network

    def _read_functional(self, config: Mapping[str, Any], prefix: str) -> Network:
        specs = {layer_name(spec): spec for spec in config["layers"]}
        if len(specs) < len(config["layers"]):
            raise LegacyError("two layers of the configuration have the same name")
        inputs, outputs = read_triples(config["input_layers"]), read_triples(config["output_layers"])
        network = Network(config.get("name", "model"), {}, [], inputs, outputs)
        first_node = {name: 0 for name in specs}
        uses = [[_read_sources(node, name) for node in spec["inbound_nodes"]] for name, spec in specs.items()]
        for name, spec in specs.items():
            if spec["class_name"] in MODEL_CLASSES:
                # In Keras 2 the definition of a nested model is its use 0, the first call is use 1.
                references = [triple for nodes in uses for node in nodes for triple in node] + outputs
                first_node[name] = min((node for layer, node, _ in references if layer == name), default=0)
        for (name, spec), nodes in zip(specs.items(), uses, strict=True):
            if spec["class_name"] == "InputLayer":
                continue
            self._add(network, name, spec, prefix)
            for number, sources in enumerate(nodes):
                network.calls.append(Call(name, first_node[name] + number, tuple(sources)))
        return network

    def _add(self, network: Network, layer: str, spec: Mapping[str, Any], prefix: str) -> None:
        if spec["class_name"] in MODEL_CLASSES:
            network.blocks[layer] = self.read(spec, prefix=f"{prefix}{layer}_")
            return
        try:
            network.blocks[layer] = build_layer(
                spec["class_name"], spec["config"], self._unique(prefix + layer), self._bilinear_is_tf1
            )
        except LegacyError as error:
            raise LegacyError(f"the layer {layer!r} cannot be rebuilt: {error}") from error
        except (ValueError, TypeError) as error:
            raise LegacyError(f"the layer {layer!r} cannot be rebuilt: {_first_line(error)}") from error
        network.trainable[layer] = bool(spec["config"].get("trainable", True))

    def _unique(self, name: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
        unique, count = base, 1
        while unique in self._names:
            count += 1
            unique = f"{base}_{count}"
        self._names.add(unique)
        return unique


def _read_sources(node: Any, layer: str) -> list[Triple]:
    """Return the sources of one use of a layer. Raises LegacyError for call arguments that matter at inference."""
    if isinstance(node, Mapping):
        raise LegacyError(f"the layer {layer!r} is connected in Keras 3 style inside an older configuration")
    for item in node:
        arguments = item[3] if isinstance(item, list) and len(item) > 3 else {}
        unknown = {key for key, value in arguments.items() if value is not None} - {"training", "mask"}
        if unknown:
            raise LegacyError(f"the layer {layer!r} is called with unknown arguments: {', '.join(sorted(unknown))}")
    return read_triples(node)
