"""Data-parallel training through `tf.distribute`: on the GPUs of one machine, or on several machines.

Keras' `fit` does not run under MultiWorkerMirroredStrategy (keras-team/keras#20585, with 3.15.1), but its `train_step`
does, so the loop over steps is ours. The samples of a step depend only on the seed, the step and the known hard
examples. Each process makes those of its replicas, and the training is the same as on one machine.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from model.data.batches import Batch
from model.settings import TrainSettings


class Distribution:
    """The replicas of a network, in this process and in others."""

    def __init__(self, strategy: str) -> None:
        """Start "mirrored" or "multiworker", which waits for the other workers in `TF_CONFIG`.

        Raises ValueError for another backend than TensorFlow, and for "multiworker" without TF_CONFIG.
        """
        if keras.backend.backend() != "tensorflow":
            raise ValueError(f"--strategy needs KERAS_BACKEND=tensorflow, this is {keras.backend.backend()}")
        import tensorflow as tf

        self.chief = True  # this process, the first of several, writes the run folder
        if strategy == "multiworker":
            self.chief = _is_chief()
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        else:
            self._strategy = tf.distribute.MirroredStrategy()
        self.replicas = int(self._strategy.num_replicas_in_sync)  # parts that a batch is divided into
        self._local: list[int] = []  # numbers of the replicas in this process
        self._strategy.experimental_distribute_values_from_function(
            lambda context: self._local.append(context.replica_id_in_sync_group)
        )
        self._train_steps: dict[keras.Model, Callable[..., dict[str, Any]]] = {}

    def scope(self) -> Any:
        """Return a context in which variables are made once on each replica."""
        return self._strategy.scope()

    def check_batches(self, settings: TrainSettings) -> None:
        """Raise ValueError if not all batches of a training can be divided evenly."""
        names = ["batch_size"] + ["full_frame_batch_size"] * (settings.full_frame_fraction > 0)
        for name in names:
            if (size := getattr(settings, name)) % self.replicas:
                raise ValueError(
                    f"expected a {name} that can be divided among {self.replicas} replicas, got {size}: set a multiple"
                    f" of {self.replicas} (--settings)"
                )

    def local_samples(self, batch_size: int) -> list[int]:
        """Return the numbers of this process's samples in a batch: replica k of n takes every n-th from the k-th on."""
        return [number for number in range(batch_size) if number % self.replicas in self._local]

    def fit(self, network: keras.Model, batches: Iterable[Batch]) -> dict[str, float]:
        """Train on batches of this process's samples; return the metrics' means over batches and all replicas."""
        import tensorflow as tf

        if network not in self._train_steps:
            self._train_steps[network] = tf.function(lambda *data: self._strategy.run(network.train_step, args=(data,)))
        network.reset_metrics()
        logs: dict[str, Any] = {}
        for batch in batches:
            logs = self._train_steps[network](*(self._divide(part) for part in batch))
        flat: dict[str, Any] = {}
        for key, value in logs.items():
            flat |= value if isinstance(value, dict) else {key: value}  # a metric may have several figures
        return {key: float(self._strategy.reduce("MEAN", value, axis=None)) for key, value in flat.items()}

    def _divide(self, samples: np.ndarray) -> Any:
        import tensorflow as tf

        def take(context: Any) -> Any:
            first = self._local.index(context.replica_id_in_sync_group)
            return tf.constant(samples[first :: len(self._local)])

        return self._strategy.experimental_distribute_values_from_function(take)


def _is_chief() -> bool:
    try:
        cluster = json.loads(os.environ["TF_CONFIG"])
        kind, index = cluster["task"]["type"], cluster["task"]["index"]
        workers = cluster["cluster"]["worker"]
    except (KeyError, TypeError, ValueError) as error:
        example = '{"cluster": {"worker": ["host1:9001", "host2:9001"]}, "task": {"type": "worker", "index": 0}}'
        raise ValueError(
            f"--strategy multiworker needs the variable TF_CONFIG in each process, as {example}"
        ) from error
    if not workers:
        raise ValueError("TF_CONFIG names no worker")
    return bool(kind == "chief" or (kind == "worker" and index == 0 and "chief" not in cluster["cluster"]))
