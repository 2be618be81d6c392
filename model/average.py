"""Average the weights of models that share an ancestor, such as a model and what was fine-tuned from it.

    python -m model.average model_weights.h5 runs/20261121-101500/last.h5 --out mean.h5

A model that is fine-tuned on new data forgets some of the old. The mean of its weights and those that it started from
often keeps both (Wortsman et al. 2022, Robust fine-tuning of zero-shot models). The mean of models that were trained
apart is worth nothing: evaluate it. `--last-weight` is the weight of the last model in the mean, 0 to 1.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from config.commands import command_parser, run_command
from config.numbers import real_number
from config.paths import path_of
from model.console import console, print_place, print_plain
from model.data.cleaning import merge_seen_in_training
from model.inference.quiet_tensorflow import import_tensorflow_quietly

if TYPE_CHECKING:
    import keras

    from model.weights import LoadedModel


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 2 for models that cannot be averaged, 130 after Ctrl-C."""
    parser = command_parser("model.average", __doc__)
    text = "two models or more, of one network: files, or names in model/weights/"
    parser.add_argument("weights", nargs="+", metavar="WEIGHTS", help=text)
    parser.add_argument(
        "--out", type=path_of, required=True, metavar="FILE", help="an .h5 or .keras file, not there yet"
    )
    text = "weight of the last model in the mean, 0 to 1; the others share the rest equally (default: all alike)"
    parser.add_argument("--last-weight", type=real_number(0, 1), metavar="FRACTION", help=text)
    options = parser.parse_args(arguments)
    if len(options.weights) < 2:
        parser.error("give two models or more")
    return run_command("average", lambda: average(options))


def average(options: argparse.Namespace) -> int:
    """Write the mean. Raises ValueError, WeightsError."""
    if options.out.exists():
        raise ValueError(f"--out: {options.out} is already there; give the name of a new file")
    import_tensorflow_quietly()
    from model.weights import load_model, save_model

    models = []
    for name in options.weights:
        print_place(name)
        with console.status("loading"):
            models.append(load_model(name))
    *others, last = models
    for each in others:
        each.check_classes(last.classes, last.name)
    fraction = 1 / len(models) if options.last_weight is None else options.last_weight
    fractions = [*[(1 - fraction) / len(others)] * len(others), fraction]
    seen = merge_seen_in_training(np.empty(0, np.uint64), [each.seen_in_training for each in models])
    metadata = {"mean_of": [[each.name, part] for each, part in zip(models, fractions, strict=True)]}
    set_mean(models, fractions)
    save_model(last.model, options.out, metadata, seen, last.classes)
    parts = " and ".join(f"{part:.0%} of {each.name}" for each, part in zip(models, fractions, strict=True))
    print_plain(f"done: {options.out}, {parts}")
    return 0


def set_mean(models: Sequence["LoadedModel"], fractions: Sequence[float]) -> None:
    """Set the last model's weights to the mean of all, layer by layer. Raises ValueError for another network.

    Kernels of the others may have fewer channels in: the missing ones count as zeros.
    """
    last = models[-1].model
    means = {layer.name: [np.zeros(weight.shape) for weight in layer.weights] for layer in last.layers if layer.weights}
    for loaded, fraction in zip(models, fractions, strict=True):
        for name, weights in _weights_like(loaded, last).items():
            for mean, weight in zip(means[name], weights, strict=True):
                mean += fraction * weight
    for name, weights in means.items():
        last.get_layer(name).set_weights(weights)


def _weights_like(loaded: "LoadedModel", network: "keras.Model") -> dict[str, list[np.ndarray]]:
    """Return a model's weights by layer, in the shapes of `network`. Raises ValueError if they do not fit."""
    from model.training.initialization import fitted_weights

    known = {layer.name: layer.get_weights() for layer in loaded.model.layers if layer.weights}
    expected = {layer.name: layer for layer in network.layers if layer.weights}
    result = {}
    for name in sorted(known.keys() | expected.keys()):
        fits = name in known and name in expected
        weights = fitted_weights(known[name], expected[name]) if fits else None
        if weights is None:
            raise ValueError(
                f"{loaded.name} is another network than the last model: their layers {name} do not fit each other."
                " Only networks of one design, fine-tuned from the same weights, have a mean that is worth anything"
            )
        result[name] = weights
    return result


if __name__ == "__main__":
    sys.exit(main())
