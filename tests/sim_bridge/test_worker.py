"""The inference worker with more simulators than it can serve."""

import threading
from collections import Counter
from types import SimpleNamespace

import numpy as np

from follower.agent import FollowAgent
from follower.settings import AgentSettings
from follower.types import Pose
from model.inference.choices import FLIGHT_BATCH
from sim_bridge.events import ProcessedFrame
from sim_bridge.session import OperatorControls
from sim_bridge.wire.bad_frame import BadFrame
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


def test_a_defect_with_one_simulator_loses_no_frame_of_its_batch():
    may_go, answered = threading.Event(), []

    class Network:
        typical_fraction = 0.95

        def predict(self, images: np.ndarray) -> np.ndarray:
            may_go.wait(10)
            return np.zeros((len(images), 8, 8, 3), np.float32)

    def on_result(job: Job, result) -> None:
        if job.session.number == 1:
            raise OSError("its connection is broken")
        answered.append(job.session.number)

    worker = InferenceWorker(Network(), on_result)
    worker.start()
    for number in range(4):
        worker.submit(Job(make_session(number), SimpleNamespace(image=np.zeros((8, 8, 3), np.uint8)), 0, None))
    may_go.set()
    assert wait_until(lambda: len(answered) == 3)
    worker.stop()
    assert sorted(answered) == [0, 2, 3]


def test_a_defect_of_a_network_costs_its_frames_only():
    answered = []

    class Network:
        calls = 0

        @property
        def typical_fraction(self) -> float:
            if self.calls == 1:
                raise AttributeError("not known yet")
            return 0.95

        def predict(self, images: np.ndarray) -> np.ndarray:
            self.calls += 1
            return np.zeros((len(images), 8, 8, 3), np.float32)

    network = Network()
    worker = InferenceWorker(network, lambda job, result: answered.append(job.received))
    worker.start()
    session = make_session()
    for moment in range(2):
        worker.submit(Job(session, SimpleNamespace(image=np.zeros((8, 8, 3), np.uint8)), moment, None))
        assert wait_until(lambda moment=moment: network.calls > moment)
    assert wait_until(lambda: answered == [1])
    worker.stop()


def test_networks_are_compiled_for_as_many_frames_as_the_worker_sends_at_once():
    assert FLIGHT_BATCH == MAX_BATCH


def test_the_network_gets_the_picture_that_the_agent_wants_it_to_see():
    seen, results = [], []

    class Network:
        typical_fraction = 0.95

        def predict(self, images: np.ndarray) -> np.ndarray:
            seen.append(images[0])
            return np.zeros((len(images), 8, 8, 3), np.float32)

    dark = np.full((64, 64, 3), 100, np.uint8)

    class Damaged:
        """A frame whose depth image cannot be decoded."""

        image, timestamp, pose = dark, 1e9, Pose(0.0, 0.0, 5.0, 0.0, 0.0, 0.0)
        gimbal_pose = pose

        @property
        def depth_image(self):
            raise BadFrame("bad-png", "depth_image is damaged")

    worker = InferenceWorker(Network(), lambda job, result: results.append(result))
    worker.start()
    session = make_session()
    session.controls = OperatorControls(FollowAgent(AgentSettings(depth_far=100.0)))
    worker.submit(Job(session, Damaged(), 0.0, None))
    assert wait_until(lambda: results)
    worker.stop()
    assert np.array_equal(seen[0], 2 * dark)
    assert isinstance(results[0], ProcessedFrame)
