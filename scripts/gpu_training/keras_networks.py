"""The Keras networks that training begins with and ends in."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from model import networks
from model.console import print_plain
from model.training.initialization import warm_start
from model.weights import LoadedModel, save_model
from scripts.gpu_training.learners import Learners
from scripts.gpu_training.pyramid import TorchPyramid, write_weights


class KerasNetworks:
    """Networks of presets, by name, and their files."""

    def __init__(self, presets: Sequence[str], init: LoadedModel | None = None) -> None:
        """Build them, with the weights of `init` that fit. Raises ConfigError, ValueError for other presets."""
        self._designs = {}
        for name in presets:
            design = networks.design(name)
            if not isinstance(design, networks.Pyramid):
                raise ValueError(f"expected presets of the family Pyramid, got {name}")
            self._designs[name] = design
        self._built = {name: design.build() for name, design in self._designs.items()}
        for name, network in self._built.items():
            if init is not None:
                print_plain(f"{warm_start(network, init.model):.1%} of the {name}'s weights are those of {init.name}")

    def in_torch(self) -> dict[str, TorchPyramid]:
        """Return them in PyTorch: on a GPU in bfloat16, else on the CPU."""
        on_gpu = torch.cuda.is_available()
        device, dtype = torch.device("cuda" if on_gpu else "cpu"), torch.bfloat16 if on_gpu else torch.float32
        return {
            name: TorchPyramid(self._designs[name], network, device, dtype) for name, network in self._built.items()
        }

    def save(self, learners: Learners, folder: Path, seen_in_training: np.ndarray | None) -> None:
        """Write the averages of the learners' weights to `folder`, as NAME.h5."""
        for name, network in self._built.items():
            write_weights(learners.averaged(name).parameters, network)
            save_model(network, folder / f"{name}.h5", {"trained_by": "scripts.gpu_training"}, seen_in_training)
