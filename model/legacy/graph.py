"""Rebuilds a model of 2017 in Keras 3: the graph from its JSON configuration, then the weights from its HDF5 file.

It knows Keras 1 and 2 configurations (functional, Sequential, nested, shared layers), and no files: see `weights`.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from model.legacy.arguments import LegacyError
from model.legacy.layers import build_layer
from model.legacy.stored_weights import Slot, layer_slots

logger = logging.getLogger(__name__)

DEFAULT_SIZE = 160  # what the project's notebook resized images to, for networks that accept any size
_IMAGE, _RESCALE, _UNFLATTEN = _OWN_NAMES = ("image", "rescale_to_signed", "unflatten")
_MODEL_CLASSES = ("Model", "Functional", "Sequential")


def read_architecture(text: str | bytes) -> dict[str, Any]:
    """The configuration as a dictionary; `text` is JSON, possibly inside a JSON string. Raises LegacyError.

    Whole numbers are integers, also where a notebook divided: TensorFlow took `filters: 32.0`, Keras 3 does not.
    """
    value: Any = text
    try:
        for _ in range(3):
            if isinstance(value, str | bytes):
                value = json.loads(value, parse_float=_read_float)
    except (ValueError, RecursionError) as error:
        raise LegacyError(f"the configuration is not JSON ({error})") from error
    if not isinstance(value, dict) or "class_name" not in value or "config" not in value:
        raise LegacyError("the configuration does not describe a Keras model (no class_name and config in it)")
    if value["class_name"] not in _MODEL_CLASSES:
        raise LegacyError(f"the configuration describes a {value['class_name']!r}, not a Model or Sequential")
    return value


def _read_float(digits: str) -> int | float:
    number = float(digits)
    return int(number) if number.is_integer() else number


@dataclass
class Network:
    """Layers of one (possibly nested) model, in the configuration's order, and how they are wired.

    `blocks` maps a layer's name to the Keras 3 layer or to a nested Network; calling a network runs its graph.
    """

    name: str
    blocks: dict[str, "keras.layers.Layer | Network"]
    calls: list["Call"]
    inputs: list[tuple[str, int, int]]
    outputs: list[tuple[str, int, int]]
    trainable: dict[str, bool] = field(default_factory=dict)

    def __call__(self, tensors: list) -> list:
        """Apply the graph to symbolic `tensors`, one for each input; returns one tensor for each output."""
        if len(tensors) != len(self.inputs):
            raise LegacyError(
                f"the model {self.name!r} takes {len(self.inputs)} inputs, but {len(tensors)} are wired to it"
            )
        known = {
            (name, node): {index: tensor} for (name, node, index), tensor in zip(self.inputs, tensors, strict=True)
        }
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
                raise LegacyError(f"the layers {names} take inputs that no layer gives")
            pending = blocked
        return [_pick(known, output) for output in self.outputs]

    def _apply(self, call: "Call", tensors: list) -> list:
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
    """One use of a layer: its how-manyth (`node`) and the (layer, node, tensor) triples it takes in."""

    layer: str
    node: int
    sources: tuple[tuple[str, int, int], ...]


def _pick(known: Mapping, source: tuple[str, int, int]):
    name, node, index = source
    tensors = known.get((name, node), {})
    if index not in tensors:
        raise LegacyError(f"the layer {name!r} has no output {index} at its use {node}")
    return tensors[index]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def read_network(architecture: Mapping[str, Any]) -> Network:
    """The wiring and the (not yet built) layers of a model configuration. Raises LegacyError."""
    return _NetworkReader(_bilinear_is_tf1(keras_version(architecture))).read(architecture, prefix="")


def keras_version(architecture: Mapping[str, Any]) -> str:
    """Which Keras wrote the configuration; where it does not say, "1" or "2" by what it calls the arguments."""
    return str(architecture.get("keras_version") or ("1" if "nb_filter" in json.dumps(architecture) else "2"))


def _bilinear_is_tf1(keras_version: str) -> bool:
    """Half-pixel centres came with TensorFlow 1.14 (its Keras is 2.2.4-tf), to the other Keras with TensorFlow 2."""
    numbers = tuple(int(n) for n in re.findall(r"\d+", keras_version)[:3])
    return not (keras_version.endswith("-tf") and numbers >= (2, 2, 4)) and not numbers >= (2, 4)


class _NetworkReader:
    """Turns configurations into networks; remembers layer names so that Keras 3 gets each one only once."""

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
            layer = _layer_name(spec)
            if layer in network.blocks:
                layer = f"{layer}_{len(network.blocks)}"
            self._add(network, layer, spec, prefix)
            network.calls.append(Call(layer, 0, (source,)))
            source = (layer, 0, 0)
        network.outputs[:] = [source]
        return network

    def _read_functional(self, config: Mapping[str, Any], prefix: str) -> Network:
        specs = {_layer_name(spec): spec for spec in config["layers"]}
        if len(specs) < len(config["layers"]):
            raise LegacyError("two layers of the configuration have the same name")
        network = Network(
            config.get("name", "model"), {}, [], _triples(config["input_layers"]), _triples(config["output_layers"])
        )
        first_node = {name: 0 for name in specs}
        uses = [
            [_triples(_strip_arguments(node, name)) for node in spec["inbound_nodes"]] for name, spec in specs.items()
        ]
        for name, spec in specs.items():
            if spec["class_name"] in _MODEL_CLASSES:
                # Keras 2 counts a nested model's own definition as its use 0, the first call is use 1.
                everywhere = [triple for nodes in uses for node in nodes for triple in node] + network.outputs
                first_node[name] = min((node for layer, node, _ in everywhere if layer == name), default=0)
        for (name, spec), nodes in zip(specs.items(), uses, strict=True):
            if spec["class_name"] == "InputLayer":
                continue
            self._add(network, name, spec, prefix)
            for number, sources in enumerate(nodes):
                network.calls.append(Call(name, first_node[name] + number, tuple(sources)))
        return network

    def _add(self, network: Network, layer: str, spec: Mapping[str, Any], prefix: str) -> None:
        if spec["class_name"] in _MODEL_CLASSES:
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


def _layer_name(spec: Mapping[str, Any]) -> str:
    """What the configuration calls a layer; a Sequential inside a Sequential of Keras 2.0 has no name but its class."""
    config = spec["config"]
    return str(spec.get("name") or (isinstance(config, Mapping) and config.get("name")) or spec["class_name"])


def _triples(value: Any) -> list[tuple[str, int, int]]:
    """[(layer, node, tensor)] from a list of such lists, or from a single one."""
    if value and isinstance(value[0], str):
        value = [value]
    return [(str(item[0]), int(item[1]), int(item[2])) for item in value]


def _strip_arguments(node: Any, layer: str) -> Any:
    """A node without its call arguments, which at inference may only be those that change nothing."""
    if isinstance(node, Mapping):
        raise LegacyError(f"the layer {layer!r} is wired in Keras 3 style inside an older configuration")
    for item in node:
        arguments = item[3] if isinstance(item, list) and len(item) > 3 else {}
        changing = {key for key, value in arguments.items() if value is not None} - {"training", "mask"}
        if changing:
            raise LegacyError(
                f"the layer {layer!r} is called with the arguments {', '.join(sorted(changing))}, which are unknown"
            )
    return node


def input_shape(architecture: Mapping[str, Any]) -> tuple[int, int]:
    """(rows, cols) of the images that the model takes; DEFAULT_SIZE where it leaves them open. Raises LegacyError."""
    shape = _input_shape(architecture)
    if shape is None:
        raise LegacyError("the configuration does not say the input's shape")
    if len(shape) != 4 or shape[3] != 3:
        raise LegacyError(f"the input's shape is {tuple(shape)}; expected (batch, rows, cols, 3)")
    if not all(size is None or (isinstance(size, int) and size > 0) for size in shape[1:3]):
        raise LegacyError(f"the input's shape is {tuple(shape)}; rows and columns must be positive")
    if None in shape[1:3]:
        logger.info("The model takes images of any size; it will be used at %d x %d.", DEFAULT_SIZE, DEFAULT_SIZE)
    return shape[1] or DEFAULT_SIZE, shape[2] or DEFAULT_SIZE


def _input_shape(spec: Mapping[str, Any]) -> list | None:
    config = spec["config"]
    own = config if isinstance(config, Mapping) else {}
    for key in ("batch_input_shape", "batch_shape"):
        if own.get(key):
            return own[key]
    if own.get("input_shape"):
        return [None, *own["input_shape"]]
    if spec["class_name"] == "Sequential":
        specs = own["layers"] if own else config
        return _input_shape(specs[0]) if specs else None
    if spec["class_name"] in _MODEL_CLASSES:
        names = [name for name, _, _ in _triples(own["input_layers"])]
        if len(names) != 1:
            raise LegacyError(f"the model takes {len(names)} inputs; expected one image")
        return next((_input_shape(layer) for layer in own["layers"] if _layer_name(layer) == names[0]), None)
    return None


def build_model(architecture: Mapping[str, Any], name: str) -> tuple[keras.Model, Network]:
    """The Keras 3 model with fresh weights, and its network for `network_slots`.

    The model takes (n, rows, cols, 3) float32 RGB 0..255 (the rescaling to -1..1 of the original's image reader is put
    in front) and gives (n, rows, cols, 3) class probabilities. Raises LegacyError.
    """
    try:
        return _build_model(architecture, name)
    except LegacyError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError, RecursionError) as error:
        raise LegacyError(f"the configuration is malformed ({type(error).__name__}: {_first_line(error)})") from error


def _build_model(architecture: Mapping[str, Any], name: str) -> tuple[keras.Model, Network]:
    rows, cols = input_shape(architecture)
    network = read_network(architecture)
    image = keras.Input((rows, cols, 3), name=_IMAGE)
    outputs = network([keras.layers.Rescaling(1 / 127.5, offset=-1, name=_RESCALE)(image)])
    if len(outputs) != 1:
        raise LegacyError(f"the model gives {len(outputs)} outputs; expected one map of class probabilities")
    output = outputs[0]
    if len(output.shape) == 3 and tuple(output.shape[1:]) == (rows * cols, 3):
        output = keras.layers.Reshape((rows, cols, 3), name=_UNFLATTEN)(output)
    if len(output.shape) != 4 or output.shape[-1] != 3:
        raise LegacyError(
            f"the output's shape is {tuple(output.shape)}; expected (batch, rows, cols, 3): background, people, hero"
        )
    # TensorFlow takes names of letters and digits of English that do not begin with a sign.
    return keras.Model(image, output, name=re.sub(r"[^A-Za-z0-9.]+", "_", name).strip("_") or "legacy"), network


def network_slots(network: Network, path: tuple[str, ...] = ()) -> dict[str, list[Slot]]:
    """The variables of a built network under the names of its configuration, by top-level layer."""
    slots = {}
    for name, block in network.blocks.items():
        if isinstance(block, Network):
            slots[name] = [slot for group in network_slots(block, (*path, name)).values() for slot in group]
        else:
            slots[name] = layer_slots(block, (*path, name), network.trainable[name])
    return slots
