"""Data-parallel training through `tf.distribute`: on the GPUs of one machine, or on several machines.

Keras 3's `fit` does not run under MultiWorkerMirroredStrategy (keras-team/keras#20585, seen with 3.15.1), but its
`train_step` does; so the loop over steps is ours. The samples of a step depend on the seed, the step and the mistakes
known alone; every process makes those of its replicas: the training is that of one machine.
"""

import json
import os
from collections.abc import Iterable

import keras
import numpy as np

STRATEGIES = ("mirrored", "multiworker")


class StrategyError(ValueError):
    """The strategy cannot run here as asked; the message says what it needs."""


class Distribution:
    """The replicas of a network, in this process and in others.

    Attributes:
        chief: this process writes the run folder. Of several, it is the first worker.
        replicas: among which a batch is divided.
    """

    def __init__(self, name: str):
        """Starts it; with "multiworker" this waits for the other workers that `TF_CONFIG` names.

        Raises StrategyError on another backend, and for "multiworker" without TF_CONFIG.
        """
        if keras.backend.backend() != "tensorflow":
            raise StrategyError(f"--strategy needs KERAS_BACKEND=tensorflow, this is {keras.backend.backend()}")
        import tensorflow as tf

        self.chief = True
        if name == "multiworker":
            self.chief = _is_chief()
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        else:
            self._strategy = tf.distribute.MirroredStrategy()
        self.replicas = self._strategy.num_replicas_in_sync
        self._local: list[int] = []  # the numbers of the replicas in this process
        self._strategy.experimental_distribute_values_from_function(
            lambda context: self._local.append(context.replica_id_in_sync_group)
        )
        self._steps = {}

    def scope(self):
        """Variables that are made inside exist once on each replica."""
        return self._strategy.scope()

    def share(self, size: int) -> list[int]:
        """Which samples of a batch the replicas in this process take: of n the k-th takes every n-th from the k-th on.

        Raises StrategyError when a batch cannot be divided among the replicas.
        """
        if size % self.replicas:
            raise StrategyError(f"a batch of {size} cannot be divided among {self.replicas} replicas")
        return [number for number in range(size) if number % self.replicas in self._local]

    def fit(self, network: keras.Model, stream: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
        """Trains on every batch of `stream`, each this process's share of one.

        Returns the means of the metrics over the batches and all replicas.
        """
        import tensorflow as tf

        if network not in self._steps:
            self._steps[network] = tf.function(lambda *data: self._strategy.run(network.train_step, args=(data,)))
        network.reset_metrics()
        logs = {}
        for batch in stream:
            logs = self._steps[network](*(self._divide(part) for part in batch))
        flat = {}  # a metric may be several figures
        for key, value in logs.items():
            flat |= value if isinstance(value, dict) else {key: value}
        return {key: float(self._strategy.reduce("MEAN", value, axis=None)) for key, value in flat.items()}

    def _divide(self, share: np.ndarray):
        import tensorflow as tf

        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(share[self._local.index(context.replica_id_in_sync_group) :: len(self._local)])
        )


def _is_chief() -> bool:
    try:
        cluster = json.loads(os.environ["TF_CONFIG"])
        kind, index = cluster["task"]["type"], cluster["task"]["index"]
        workers = cluster["cluster"]["worker"]
    except (KeyError, TypeError, ValueError) as error:
        example = '{"cluster": {"worker": ["host1:9001", "host2:9001"]}, "task": {"type": "worker", "index": 0}}'
        raise StrategyError(
            f"--strategy multiworker needs the variable TF_CONFIG in each process, as {example}"
        ) from error
    if not workers:
        raise StrategyError("TF_CONFIG names no worker")
    return kind == "chief" or (kind == "worker" and index == 0 and "chief" not in cluster["cluster"])
