"""The training loop: epochs, moving average of the weights, hard-example mining, validation, checkpoints."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from math import prod
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from dataset.files import replacing
from model import run_files
from model.console import console
from model.data.augment import for_full_frames
from model.data.batches import BatchLoader
from model.data.packed_frames import PackedFrames
from model.networks import clone_with
from model.settings import TrainSettings, shape_of
from model.training.distillation import add_soft_labels, any_size_predictor
from model.training.distribution import Distribution
from model.training.failures import advice, check_collapse, check_finite, one_line_failures
from model.training.losses import headline, segmentation_loss, training_metrics
from model.training.optimizers import choose_precision, has_gpu, learning_rate, make_optimizer
from model.training.pictures import draw_examples, plot_curves
from model.training.run_folder import RunFolder
from model.training.transfer import prepare
from model.training.validation import describe_figures, find_errors, validate
from model.weights import save_model

EARLY_PHASE = 1 / 3  # of the training, in which false positives cost less


class Trainer:
    """A network in training, its optimizer, the moving average of its weights, and the progress made.

    In a distributed training each process has one, and only the chief's validates and writes files. `model` itself is
    not changed; `seen_in_training` is written with the models, as `save_model` takes it.
    """

    def __init__(
        self,
        model: keras.Model,
        settings: TrainSettings,
        run: RunFolder,
        loader: BatchLoader,
        distribution: Distribution | None,
        teachers: Sequence[keras.Model],
        seen_in_training: np.ndarray | None,
    ) -> None:
        self.settings, self.run, self.loader, self.distribution = settings, run, loader, distribution
        self.classes = loader.frames.classes
        self.seen_in_training = seen_in_training
        self.chief = distribution is None or distribution.chief
        self.precision = choose_precision(settings.mixed_precision, model)
        self.epoch, self.step, self.seconds, self.best_score = 0, 0, 0.0, -1.0
        self.ious: list[float] = []  # of the samples of each epoch, the target's or else the mean of all classes
        self.late = False  # past the early phase
        self.averaged = clone_with(model, dtype="float32", shape=model.input_shape[1:])
        with self._scope():
            self.network = clone_with(model, dtype=self.precision, shape=(None, None, 3))
            encoder = prepare(self.network, settings)
            self.optimizer = make_optimizer(settings, self.precision, encoder)
            self.optimizer.build(self.network.trainable_variables)
        self.teachers = [any_size_predictor(teacher, self.classes.target) for teacher in teachers]
        self._compiled: dict[tuple[int, int], keras.Model] = {}

    def fit(self, validation: PackedFrames | None, minutes: float | None) -> None:
        """Train until the epochs or the minutes are used up; the run folder is complete after every epoch.

        Raises RuntimeError if training has diverged or collapsed, or if the runtime fails.
        """
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with one_line_failures(), Progress(*columns, console=console) as bar:
            task = bar.add_task("training", total=1.0)
            while (progress := self.progress(minutes)) < 1.0:
                row = self._train_epoch(progress)
                finished = self.progress(minutes) >= 1.0
                if self.chief:
                    if validation is not None and (finished or self.epoch % self.settings.validation_interval == 0):
                        row |= self._validate(validation, row["loss"])
                    self.run.append_results(row)
                    self.save()
                    if finished or "score" in row:
                        plot_curves(self.run.results(), self.run.path / run_files.CURVES, self.classes)
                self.ious.append(row[f"{headline(self.classes)}_train"])
                if self.classes.target is not None:
                    check_collapse(self.ious, self._advice)
                figure = headline(self.classes).replace("_iou", " IoU")
                text = f"epoch {self.epoch}  loss {row['loss']:.4f}  {figure} {self.ious[-1]:.3f}"
                text = f"{text}  {row['images_per_second']:.0f}/s"
                bar.update(task, completed=self.progress(minutes), description=text)

    def progress(self, minutes: float | None) -> float:
        """Return the completed fraction of the training."""
        return self.seconds / 60 / minutes if minutes else self.epoch / self.settings.epochs

    def save(self) -> None:
        """Write last.h5, and the state for `load`."""
        self._save_average(self.run.last)
        arrays = {f"weight{i}": value for i, value in enumerate(self.network.get_weights())}
        arrays |= {f"average{i}": value for i, value in enumerate(self.averaged.get_weights())}
        arrays |= {f"optimizer{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(self.optimizer.variables)}
        arrays["error_pixels"] = self.loader.error_pixels
        arrays["position"] = np.array([self.epoch, self.seconds, self.step, self.best_score])
        self.run.save_checkpoint(arrays)

    def load(self) -> None:
        """Continue from what `save` wrote. Raises FileNotFoundError if there is nothing, ValueError if it is unfit."""
        arrays = self.run.load_checkpoint()
        self._check_fits(arrays)
        for network, name in ((self.network, "weight"), (self.averaged, "average")):
            network.set_weights([arrays[f"{name}{i}"] for i in range(len(network.weights))])
        for i, variable in enumerate(self.optimizer.variables):
            variable.assign(arrays[f"optimizer{i}"])
        self.loader.set_hard_examples(arrays.get("error_pixels", self.loader.error_pixels))
        epoch, self.seconds, step, self.best_score = arrays["position"].tolist()
        self.epoch, self.step = int(epoch), int(step)
        # An interruption between the two files leaves an epoch in the results that is not in the checkpoint.
        rows = self.run.results()[: self.epoch]
        self.ious = [float(row.get(f"{headline(self.classes)}_train") or "nan") for row in rows]

    def _check_fits(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raise ValueError if a checkpoint is of another network."""
        groups = {
            "weight": self.network.weights,
            "average": self.averaged.weights,
            "optimizer": self.optimizer.variables,
        }
        shapes = {f"{name}{i}": tuple(each.shape) for name, group in groups.items() for i, each in enumerate(group)}
        found = {name: arrays[name].shape for name in shapes if name in arrays}
        if found != shapes or f"weight{len(self.network.weights)}" in arrays:
            raise ValueError(
                f"{self.run.checkpoint} is of another network than the preset, or the file of --init, now gives:"
                f" restore that, or {run_files.REMEDY}"
            )

    def _train_epoch(self, progress: float) -> dict[str, float]:
        """Train for one epoch, and return its row of the results."""
        settings, began = self.settings, time.perf_counter()
        mines = settings.mining_interval and self.classes.target is not None
        if mines and self.epoch and self.epoch % settings.mining_interval == 0:
            self._mine_hard_examples()
        if self.late != (progress >= EARLY_PHASE):
            self.late = progress >= EARLY_PHASE
            self._compiled.clear()  # their loss is that of the early phase
        size, augmentation = settings.batch_size, settings.augmentation
        fraction = settings.full_frame_fraction
        if int((self.epoch + 1) * fraction) > int(self.epoch * fraction):  # epochs on full frames are spread evenly
            size = settings.full_frame_batch_size
            augmentation = for_full_frames(augmentation, self.loader.frames.size)
        rate = self.optimizer.learning_rate = learning_rate(settings, progress)
        steps = range(self.step, self.step + settings.steps_per_epoch)
        numbers = self.distribution.local_samples(size) if self.distribution else None
        batches = self.loader.batches(steps, size, augmentation, numbers)
        if self.teachers:
            batches = add_soft_labels(batches, self.teachers, self.classes.target)
        network = self._compile(shape_of(augmentation.crop))
        if self.distribution:
            logs = self.distribution.fit(network, batches)
        else:
            history = network.fit(batches, steps_per_epoch=len(steps), epochs=1, verbose=0, shuffle=False).history
            logs = {key: float(values[-1]) for key, values in history.items()}
        check_finite(logs["loss"], self.network, self.epoch, self._advice)
        self.step = steps.stop
        self._update_average()
        self.epoch += 1
        seconds = time.perf_counter() - began
        self.seconds += seconds
        row = {"epoch": self.epoch, "minutes": self.seconds / 60, "learning_rate": rate, "loss": logs["loss"]}
        iou = headline(self.classes)
        row |= {key.replace(iou, f"{iou}_train"): logs[key] for key in logs if key.startswith(iou)}
        return row | {"images_per_second": size * len(steps) / seconds}

    def _compile(self, size: tuple[int, int]) -> keras.Model:
        """Return the network with its loss for samples of this size; all sizes share weights and optimizer."""
        if size not in self._compiled:
            with self._scope():
                image = keras.Input((*size, 3), name="image")
                pixels, frames = prod(shape_of(self.settings.augmentation.crop)), self.loader.frames
                loss = segmentation_loss(self.settings.loss, pixels, self.late, self.classes, frames.has_ignored)
                network = keras.Model(image, self.network(image))
                network.compile(
                    self.optimizer,
                    loss,
                    metrics=training_metrics(self.classes, frames.size),
                    # XLA's convolutions are slower than oneDNN's on a CPU; torch's compiler fails on Keras' networks.
                    jit_compile=keras.backend.backend() == "jax"
                    or (keras.backend.backend() == "tensorflow" and has_gpu()),
                )
            self._compiled[size] = network
        return self._compiled[size]

    def _update_average(self) -> None:
        # Early on the average would keep the first, useless weights for long: it spans fewer epochs then.
        decay = min(self.settings.ema_decay, self.epoch / (self.epoch + 3))
        weights = zip(self.averaged.get_weights(), self.network.get_weights(), strict=True)
        self.averaged.set_weights([decay * mean + (1 - decay) * weight for mean, weight in weights])

    def _mine_hard_examples(self) -> None:
        """Search the next part of the training frames for errors of the averaged network."""
        self._mining_network.set_weights(self.averaged.get_weights())
        search = partial(find_errors, self._mining_network.predict_on_batch, self.loader.frames)
        self.loader.mine(self.epoch // self.settings.mining_interval, search)

    @cached_property
    def _mining_network(self) -> keras.Model:
        """The averaged network at the training's precision, which is faster."""
        return clone_with(self.averaged, dtype=self.precision, shape=self.averaged.input_shape[1:])

    def _validate(self, frames: PackedFrames, loss: float) -> dict[str, float]:
        weights = self.settings.loss.entropy_weights(self.classes)
        figures = validate(self.averaged.predict_on_batch, frames, weights)
        if figures["score"] > self.best_score:
            self.best_score = figures["score"]
            self._save_average(self.run.best)
        with replacing(self.run.path / run_files.EXAMPLES) as temporary:
            Image.fromarray(draw_examples(self.averaged.predict_on_batch, frames)).save(temporary)
        text = f"epoch {self.epoch:4d}  loss {loss:.4f}  validation score {figures['score']:.3f}"
        console.print(f"{text}  {describe_figures(figures, self.classes)}", markup=False)
        return figures

    @property
    def _advice(self) -> str:
        return advice(self.settings.learning_rate, self.run)

    def _save_average(self, path: Path) -> None:
        metadata = {"minutes": self.seconds / 60, "epoch": self.epoch, "score": self.best_score}
        save_model(self.averaged, path, metadata, self.seen_in_training, self.classes)

    def _scope(self) -> AbstractContextManager[Any]:
        return self.distribution.scope() if self.distribution else nullcontext()
