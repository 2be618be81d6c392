"""Networks in training on the GPU, and their steps as CUDA graphs."""

from collections.abc import Callable, Mapping
from math import prod

import numpy as np
import torch

from dataset.schema import DEFAULT_CLASSES
from model.settings import TrainSettings, shape_of
from scripts.gpu_training.losses import segmentation_loss, teach
from scripts.gpu_training.optimizer import Muon
from scripts.gpu_training.pyramid import Parameters, TorchPyramid

WARM_UP_STEPS = 3  # before a graph is recorded, as PyTorch requires


class Trained:
    """A network with the averaged parameters of its training."""

    def __init__(self, network: TorchPyramid, parameters: Parameters) -> None:
        self.network, self.parameters = network, parameters
        self.device = next(iter(parameters.values())).device

    def probabilities(self, frames: torch.Tensor) -> torch.Tensor:
        """Return (n, classes, rows, columns) of (n, 3, rows, columns) RGB in 0..255."""
        return self.network.probabilities(frames, self.parameters)


class Learners:
    """Networks that learn from the same samples, each by itself, in one step; of a `teacher`, too, if there is one."""

    def __init__(
        self, networks: Mapping[str, TorchPyramid], settings: TrainSettings, teacher: Trained | None = None
    ) -> None:
        """Prepare to train `networks`, by name."""
        self.networks, self._settings, self._teacher = networks, settings, teacher
        self._pixels = prod(shape_of(settings.augmentation.crop))
        parameters = [each for network in networks.values() for each in network.parameters.values()]
        self.device = parameters[0].device
        self.optimizer = Muon(parameters, settings.weight_decay, settings.clip_norm)
        self.false_positive = torch.zeros((), device=self.device)  # its weight in the loss
        self._class_weights = torch.tensor(settings.loss.entropy_weights(DEFAULT_CLASSES), device=self.device)
        self._losses = torch.zeros(len(networks), device=self.device)  # sums since `mean_losses`
        self._samples = 0
        self._steps: dict[tuple[int, ...], Callable[[np.ndarray, np.ndarray], None]] = {}

    def averaged(self, name: str) -> Trained:
        """Return a network with the moving average of its parameters, which goes on to move."""
        names = [(network, key) for network, each in self.networks.items() for key in each.parameters]
        pairs = zip(names, self.optimizer.averages, strict=True)
        return Trained(self.networks[name], {key: tensor for (network, key), tensor in pairs if network == name})

    def train_on(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Make a step on (n, rows, columns, 3) uint8 images and (n, rows, columns) uint8 labels."""
        if images.shape not in self._steps:
            self._steps[images.shape] = self._record(images.shape)
        self._samples += len(images)
        self._steps[images.shape](images, labels)

    def mean_losses(self) -> dict[str, float]:
        """Return the mean loss of each network since the last call."""
        means = (self._losses / max(self._samples, 1)).tolist()
        self._losses.zero_()
        self._samples = 0
        return dict(zip(self.networks, means, strict=True))

    def check_finite(self) -> None:
        """Raise RuntimeError if a network's averages are infinite or NaN, as they stay from then on."""
        for name in self.networks:
            if not all(torch.isfinite(tensor).all() for tensor in self.averaged(name).parameters.values()):
                raise RuntimeError(
                    f"training diverged: the weights of {name} became infinite or NaN; the files are those of the time"
                    " before, if there are any. Train again with a smaller learning_rate or clip_norm in --settings"
                )

    def _record(self, shape: tuple[int, ...]) -> Callable[[np.ndarray, np.ndarray], None]:
        """Return a function that makes a step on samples of this shape."""
        images = torch.zeros(shape, dtype=torch.uint8, device=self.device)
        labels = torch.zeros(shape[:3], dtype=torch.uint8, device=self.device)
        replay = self._as_graph(lambda: self._step(images, labels))

        def step(new_images: np.ndarray, new_labels: np.ndarray) -> None:
            images.copy_(torch.from_numpy(new_images), non_blocking=True)
            labels.copy_(torch.from_numpy(new_labels), non_blocking=True)
            replay()

        return step

    def _as_graph(self, step: Callable[[], None]) -> Callable[[], None]:
        if self.device.type != "cuda":
            return step
        rates = [tensor.clone() for tensor in (self.optimizer.rate, self.optimizer.ema_decay)]
        self.optimizer.rate.zero_()  # what is recorded must not change the networks
        self.optimizer.ema_decay.fill_(1.0)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        self.optimizer.rate.copy_(rates[0])
        self.optimizer.ema_decay.copy_(rates[1])
        self._losses.zero_()
        return graph.replay

    def _step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        frames = images.permute(0, 3, 1, 2).float()
        soft = None if self._teacher is None else teach(self._teacher.probabilities(frames), labels)
        weights = self._class_weights, self.false_positive
        losses = torch.stack(
            [
                segmentation_loss(network.logits(frames), labels, self._settings.loss, self._pixels, *weights, soft)
                for network in self.networks.values()
            ]
        )
        self._losses += losses.detach().sum(1)
        self.optimizer.step(torch.autograd.grad(losses.mean(1).sum(), self.optimizer.parameters))
