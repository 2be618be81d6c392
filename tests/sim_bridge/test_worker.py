"""The inference worker with more simulators than it can serve."""

import threading
from collections import Counter
from types import SimpleNamespace

import numpy as np

from model.inference.choices import FLIGHT_BATCH
from sim_bridge.worker import MAX_BATCH, InferenceWorker, Job
from tests.bridge_fixtures import make_session, wait_until


def test_too_many_simulators_take_turns_and_wait_for_few_others_at_a_time():
    may_go, batches, answered = threading.Semaphore(0), [], []

    class Network:
        typical_fraction = 0.95

        def predict(self, images: np.ndarray) -> np.ndarray:
            may_go.acquire(timeout=10)
            batches.append(len(images))
            return np.zeros((len(images), 8, 8, 3), np.float32)

    def on_result(job: Job, result) -> None:
        if result is not None:
            answered.append((job.session.number, job.received))

    sessions = [make_session(number) for number in range(10)]
    worker = InferenceWorker(Network(), on_result)
    worker.start()
    for moment in range(30):  # each sends a new frame while the network works on a batch
        before = len(batches)
        for session in sessions[:: 1 if moment % 2 else -1]:
            frame = SimpleNamespace(image=np.zeros((8, 8, 3), np.uint8))
            worker.submit(Job(session, frame, moment, None))
        may_go.release()
        assert wait_until(lambda before=before: len(batches) > before)
    worker.stop()
    assert max(batches) <= MAX_BATCH
    counts = Counter(number for number, _ in answered)
    assert len(counts) == len(sessions)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_networks_are_compiled_for_as_many_frames_as_the_worker_sends_at_once():
    assert FLIGHT_BATCH == MAX_BATCH
