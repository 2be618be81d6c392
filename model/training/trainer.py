"""The training loop: epochs, learning rate, average of the weights, validation, checkpoints."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from math import cos, pi
from pathlib import Path

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from model.data.batches import Batches
from model.data.packed_frames import Frames
from model.networks import clone_with
from model.training import run_files
from model.training.distillation import Teachers, at_any_size
from model.training.distribution import Distribution
from model.training.examples import draw_examples
from model.training.hard_examples import find_mistakes
from model.training.losses import HeroIoU, segmentation_loss
from model.training.muon import Muon
from model.training.run_folder import RunFolder
from model.training.settings import TrainSettings
from model.training.validation import Validation, validate
from model.weights import save_model

REVIEWS = 4  # go through the training frames once
LATE = 1 / 3  # of the training
DEAD = 3  # epochs without one right pixel of the hero


class TrainingError(RuntimeError):
    """The training cannot come to anything any more; the message says what to do."""


class Trainer:
    """A network, its optimiser, the average of its weights, and how far it has come."""

    def __init__(
        self,
        model: keras.Model,
        settings: TrainSettings,
        run: RunFolder,
        console: Console,
        distribution: Distribution | None = None,
        teachers: Sequence[keras.Model] = (),
        seen_in_training: np.ndarray | None = None,
    ):
        """Of a distributed training each process has one; only the chief's validates and writes.

        `seen_in_training` is written with the models, as for `save_model`.
        """
        self.distribution = distribution
        self.chief = distribution is None or distribution.chief
        self.settings, self.run, self.console = settings, run, console
        self.seen_in_training = seen_in_training
        self.precision = _precision(settings.mixed_precision, model)
        self.epoch = 0
        self.seconds = 0.0
        self.step = 0
        self.best = -1.0
        self.hero_ious: list[float] = []  # of the samples of each epoch
        self.mistakes: np.ndarray | None = None  # of the average in the training frames, as far as reviewed
        self.late = False  # past the first third: the loss asks more for a false hero
        self.averaged = clone_with(model, dtype="float32", shape=model.input_shape[1:])
        with self._scope():
            self.network = clone_with(model, dtype=self.precision, shape=(None, None, 3))
            self.optimizer = self._optimizer()
            self.optimizer.build(self.network.trainable_variables)
        self.teachers = Teachers([at_any_size(each) for each in teachers]) if teachers else None
        self._graphs: dict[int, keras.Model] = {}
        self.average = [np.array(weight) for weight in model.get_weights()]

    def fit(self, batches: Batches, validation: Frames | None, minutes: float | None) -> None:
        """Trains until the epochs or the minutes are used up; the run folder is up to date after every epoch.

        Raises TrainingError when the network has died.
        """
        settings = self.settings
        if self.mistakes is not None:
            batches.attend(self.mistakes)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task("training", total=1.0)
            while (progress := self.progress(minutes)) < 1.0:
                began = time.perf_counter()
                if self.settings.review_every and self.epoch and self.epoch % self.settings.review_every == 0:
                    self._review(batches)
                logs, images = self._epoch(batches, progress)
                self.seconds += time.perf_counter() - began
                self.epoch += 1
                row = {"epoch": self.epoch, "minutes": self.seconds / 60, "learning_rate": self.learning_rate(progress)}
                row["loss"] = logs["loss"]
                row |= {key.replace("hero_iou", "hero_iou_train"): logs[key] for key in logs if "hero_iou" in key}
                row["images_per_second"] = images / (time.perf_counter() - began)
                finished = self.progress(minutes) >= 1.0
                if self.chief and validation is not None and (self.epoch % settings.validate_every == 0 or finished):
                    measured = self._validate(validation)
                    row |= measured.row()
                    self.run.write_picture(
                        run_files.EXAMPLES, draw_examples(self.averaged.predict_on_batch, validation)
                    )
                    bar.console.print(_line(self.epoch, logs, measured))
                if self.chief:
                    self.run.append_results(row)
                    self.save()
                if self.chief and ("score" in row or finished):
                    self.run.plot()
                self._check_alive(logs["hero_iou"])
                text = f"epoch {self.epoch}  loss {logs['loss']:.4f}  hero IoU {logs['hero_iou']:.3f}"
                bar.update(
                    task, completed=self.progress(minutes), description=f"{text}  {row['images_per_second']:.0f}/s"
                )

    def progress(self, minutes: float | None) -> float:
        """How much of the training is done, 0..1."""
        return self.seconds / 60 / minutes if minutes else self.epoch / self.settings.epochs

    def learning_rate(self, progress: float) -> float:
        """At `progress`, 0..1.

        "trapezoid": linear up, constant, linear to zero (Zhai et al. 2022, Scaling Vision Transformers). "cosine":
        linear up, a cosine to zero (Loshchilov and Hutter 2017). "constant": with one change half-way.
        """
        settings = self.settings
        if settings.schedule == "constant":
            return (settings.later_learning_rate if progress >= 0.5 else 0.0) or settings.learning_rate
        if progress < settings.warm_up:
            share = (progress + 0.1 * settings.warm_up) / (1.1 * settings.warm_up)
        elif settings.schedule == "cosine":
            share = 0.5 + 0.5 * cos(pi * (progress - settings.warm_up) / (1 - settings.warm_up))
        else:
            share = min(1.0, (1 - progress) / max(settings.cool_down, 1e-9))
        return settings.learning_rate * max(share, 0.002)

    def save(self) -> None:
        """last.h5, and the state for `load`."""
        self._write(self.run.last)
        arrays = {f"weight{i}": value for i, value in enumerate(self.network.get_weights())}
        arrays |= {f"average{i}": value for i, value in enumerate(self.average)}
        arrays |= {f"optimizer{i}": v.numpy() for i, v in enumerate(self.optimizer.variables)}
        if self.mistakes is not None:
            arrays["mistakes"] = self.mistakes
        arrays["position"] = np.array([self.epoch, self.seconds, self.step, self.best])
        self.run.save_checkpoint(arrays)

    def load(self) -> None:
        """Goes on where `save` stopped. FileNotFoundError when it never came that far."""
        arrays = self.run.load_checkpoint()
        self.network.set_weights([arrays[f"weight{i}"] for i in range(len(self.average))])
        self.average = [arrays[f"average{i}"] for i in range(len(self.average))]
        for i, variable in enumerate(self.optimizer.variables):
            variable.assign(arrays[f"optimizer{i}"])
        self.mistakes = arrays.get("mistakes")
        epoch, self.seconds, step, self.best = arrays["position"].tolist()
        self.epoch, self.step = int(epoch), int(step)
        # An interruption between the two files leaves an epoch in the results that the checkpoint does not know.
        rows = self.run.results()[: self.epoch]
        self.hero_ious = [float(row.get("hero_iou_train") or "nan") for row in rows]

    @property
    def chosen(self) -> Path:
        """The path of the best model, which is the last where nothing was validated."""
        return self.run.best if self.run.best.exists() else self.run.last

    def _graph(self, size: int) -> keras.Model:
        """The network and its loss for square samples of `size` pixels; all sizes share weights and optimiser."""
        if size not in self._graphs:
            with self._scope():
                image = keras.Input((size, size, 3), name="image")
                graph = keras.Model(image, self.network(image))
                graph.compile(
                    self.optimizer,
                    segmentation_loss(self.settings.loss, self.settings.augmentation.crop**2, late=self.late),
                    metrics=[HeroIoU(self.averaged.input_shape[1])],
                    # XLA's convolutions are slower than oneDNN's on a CPU; torch's compiler fails on networks of Keras.
                    jit_compile=keras.backend.backend() == "jax"
                    or (keras.backend.backend() == "tensorflow" and _on_gpu()),
                )
            self._graphs[size] = graph
        return self._graphs[size]

    def _scope(self):
        return self.distribution.scope() if self.distribution else nullcontext()

    def _optimizer(self) -> keras.optimizers.Optimizer:
        settings = self.settings
        clip = settings.clip_norm or None
        if settings.optimizer == "adam":
            optimizer = keras.optimizers.Adam(settings.learning_rate, clipnorm=clip)
        else:
            kind = {"muon": Muon, "adamw": keras.optimizers.AdamW}[settings.optimizer]
            optimizer = kind(settings.learning_rate, weight_decay=settings.weight_decay, clipnorm=clip)
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return keras.optimizers.LossScaleOptimizer(optimizer) if self.precision == "mixed_float16" else optimizer

    def _epoch(self, batches: Batches, progress: float) -> tuple[dict[str, float], int]:
        settings = self.settings
        if self.late != (progress >= LATE):
            self.late = progress >= LATE
            self._graphs.clear()  # their loss is the early one
        size, augmentation = settings.batch_size, settings.augmentation
        if _share_of_turns(settings.full_frames, self.epoch):
            size = settings.full_frame_batch
            augmentation = replace(
                augmentation, crop=batches.frames.labels.shape[1], zoom_share=augmentation.zoom_share / 2
            )
        graph = self._graph(augmentation.crop)
        self.optimizer.learning_rate = self.learning_rate(progress)
        last = self.step + settings.epoch_steps
        share = self.distribution.share(size) if self.distribution else None
        stream = batches.range(self.step, last, size, augmentation, share)
        if self.teachers:
            stream = self.teachers.teach(stream)
        if self.distribution:
            logs = self.distribution.fit(graph, stream)
        else:
            history = graph.fit(stream, steps_per_epoch=settings.epoch_steps, epochs=1, verbose=0, shuffle=False)
            logs = {key: float(values[-1]) for key, values in history.history.items()}
        self.step = last
        # Early on the average would drag the first, useless weights along: average over fewer epochs then.
        keep = min(settings.ema, self.epoch / (self.epoch + 3))
        for mean, weight in zip(self.average, self.network.get_weights(), strict=True):
            mean *= keep
            mean += (1 - keep) * weight
        return logs, size * settings.epoch_steps

    def _review(self, batches: Batches) -> None:
        """Looks for mistakes in a quarter of the training frames, the next one each time."""
        settings, frames = self.settings, batches.frames
        rows = frames.used[self.epoch // settings.review_every % REVIEWS :: REVIEWS]
        self._reviewer.set_weights(self.average)
        mistakes = batches.mistakes.copy()
        mistakes[rows] = find_mistakes(self._reviewer.predict_on_batch, frames, rows)
        self.mistakes = mistakes
        batches.attend(mistakes)

    @cached_property
    def _reviewer(self) -> keras.Model:
        """The average at the training's precision, which looks through frames twice as fast."""
        return clone_with(self.averaged, dtype=self.precision, shape=self.averaged.input_shape[1:])

    def _check_alive(self, hero_iou: float) -> None:
        """Too large a step can leave a network that gives one answer for all frames, and learns nothing from it."""
        self.hero_ious.append(hero_iou)
        if any(value > 0.1 for value in self.hero_ious) and not any(self.hero_ious[-DEAD:]):
            start = f", from its best so far: --init {self.run.best}" if self.run.best.exists() else ""
            raise TrainingError(
                f"the network died: in {DEAD} epochs it found not one pixel of a hero, and it did before. "
                f"Train again with a learning_rate (with --init: init_learning_rate) lower than"
                f" {self.settings.learning_rate:g}{start}"
            )

    def _validate(self, frames: Frames) -> Validation:
        self.averaged.set_weights(self.average)
        weights = self.settings.loss.class_weights
        measured = validate(
            self.averaged.predict_on_batch, frames.images, frames.labels, frames=frames.used, class_weights=weights
        )
        if measured.score > self.best:
            self.best = measured.score
            self._write(self.run.best)
        return measured

    def _write(self, path: Path) -> None:
        self.averaged.set_weights(self.average)
        told = {"minutes": self.seconds / 60, "epoch": self.epoch, "score": self.best}
        save_model(self.averaged, path, told, self.seen_in_training)


def _share_of_turns(share: float, turn: int) -> bool:
    """Whether this turn is one of those that make up the share, which are spread evenly."""
    return int((turn + 1) * share) > int(turn * share)


def _line(epoch: int, logs: dict[str, float], measured: Validation) -> str:
    iou = " ".join(f"{value:.3f}" for value in measured.iou_by_size)
    recall = " ".join(f"{value:.2f}" for value in measured.recall_by_size)
    return (
        f"epoch {epoch:4d}  loss {logs['loss']:.4f}  validation score {measured.score:.3f}  "
        f"IoU by size {iou}  found {recall}  false heroes {measured.false_heroes:.3f}"
    )


def _on_gpu() -> bool:
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.default_backend() != "cpu"
    if backend == "torch":
        import torch

        return torch.cuda.is_available()
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _precision(wanted: str, network: keras.Model) -> str:
    if wanted != "auto":
        return wanted
    if _on_gpu():
        return "mixed_bfloat16"
    # A CPU has no bfloat16 kernel for depthwise convolutions: a step takes a third longer than in float32.
    depthwise = any(isinstance(layer, keras.layers.SeparableConv2D) for layer in network.layers)
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    quick = "amx_bf16" in flags or "avx512_bf16" in flags
    return "mixed_bfloat16" if quick and not depthwise else "float32"
