"""Run a network with OpenVINO on the CPU or an Intel GPU, in the fastest precision whose predictions agree with it."""

import logging
import threading
from collections.abc import Sequence
from functools import partial
from timeit import timeit
from typing import Any

import keras
import numpy as np

from config.interrupts import interrupted
from dataset.schema import HERO
from model.inference.choices import FLIGHT_BATCH, CompiledNetwork, Device, Precision, Predict, RuntimeUnavailable
from model.inference.openvino_graph import convert_to_openvino, end_in_planes
from model.inference.sanity_inputs import sanity_frames
from model.inference.tensorflow_runtime import require_tensorflow_backend, trace
from model.score import predicted_mask

logger = logging.getLogger(__name__)

MAX_MEAN_DIFFERENCE = 1 / 255  # of all probabilities of a frame
MAX_TARGET_DIFFERENCE = 0.5 / 255  # of the target's, likewise
MAX_MASK_DIFFERENCE = 0.02  # of the target's pixels
TIMED_RUNS = 15
GPU_STREAMS = 2
# Of a device: the capability, OpenVINO's hint, the name. On CPUs, float16 has a slow emulation only.
SIXTEEN_BITS = {"CPU": ("BF16", "bf16", "bfloat16"), "GPU": ("FP16", "f16", "float16")}


def compile_for_openvino(
    network: keras.Model, device: Device, threads: int | None, precision: Precision, target: int | None = HERO
) -> CompiledNetwork:
    """Compile a network in float32 or, as the fastest, in the device's 16 bits. Raises RuntimeUnavailable.

    It runs on the CPU, with `device` "gpu" on an Intel GPU.
    """
    try:
        import openvino
    except ImportError as error:
        raise RuntimeUnavailable(
            "OpenVINO is not installed: pip install openvino, or choose another runtime"
        ) from error
    require_tensorflow_backend("the openvino runtime")
    core, place = openvino.Core(), "GPU" if device == "gpu" else "CPU"
    if place not in {name.partition(".")[0] for name in core.available_devices}:
        raise RuntimeUnavailable(
            "OpenVINO sees no Intel GPU: install its driver (docs/guide/gpu.md), or choose another device"
        )

    try:
        graph = convert_to_openvino(network)
    except Exception as error:  # OpenVINO raises many kinds
        if interrupted():
            raise KeyboardInterrupt from error
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise RuntimeUnavailable(f"OpenVINO cannot convert this network ({reason}), choose another runtime") from error
    planes = end_in_planes(graph)
    if place == "GPU":
        graph.reshape([1, *network.input_shape[1:]])  # so that it compiles nothing in flight

    def compile_in(hint: str) -> tuple[int, Predict]:
        """Return the number of threads, and the network."""
        hints: dict[str, str | int] = {"INFERENCE_PRECISION_HINT": hint}
        if threads and place == "CPU":
            hints["INFERENCE_NUM_THREADS"] = threads
        alone = core.compile_model(graph, place, {**hints, "PERFORMANCE_HINT": "LATENCY"})
        cores: int = alone.get_property("INFERENCE_NUM_THREADS") if place == "CPU" else GPU_STREAMS
        streams = core.compile_model(graph, place, {**hints, "NUM_STREAMS": min(cores, FLIGHT_BATCH)})
        return cores, _one_call_at_a_time(alone, streams, planes)

    frames = sanity_frames(network.input_shape[1:3])
    with keras.device("cpu:0"):  # a GPU of TensorFlow's may be the reason to be here: it failed
        reference = trace(network)(keras.ops.convert_to_tensor(frames, "float32")).numpy()

    def agrees_with_network(predict: Predict) -> bool:
        together, alone = predict(frames), np.concatenate([predict(frame[None]) for frame in frames])
        return predictions_agree(reference, together, target) and predictions_agree(reference, alone, target)

    used, (cores, predict) = "float32", compile_in("f32")
    if not agrees_with_network(predict):
        raise RuntimeUnavailable("OpenVINO's predictions differ from the network's own, choose another runtime")
    capability, hint, name = SIXTEEN_BITS[place]
    if precision == "fastest" and capability in core.get_property(place, "OPTIMIZATION_CAPABILITIES"):
        _, shorter = compile_in(hint)
        agrees = agrees_with_network(shorter)
        milliseconds, milliseconds_shorter = _milliseconds((predict, shorter), frames[:1])
        logger.info(
            "OpenVINO takes %.1f ms per frame in float32 and %.1f ms in %s, whose predictions %s",
            milliseconds,
            milliseconds_shorter,
            name,
            "agree" if agrees else "differ",
        )
        if agrees and milliseconds_shorter < milliseconds:
            used, predict = name, shorter
    described = core.get_property(place, "FULL_DEVICE_NAME").strip()
    if place == "CPU":
        described += f", {cores} thread{'s' if cores > 1 else ''}"
    return CompiledNetwork(f"OpenVINO {used}", described, predict)


def predictions_agree(reference: np.ndarray, other: np.ndarray, target: int | None = HERO) -> bool:
    """Return whether two predictions, (n, rows, columns, classes) probabilities, agree in every frame.

    That is, probabilities differ by a step of 8 bits on average at most, the target's by half of one, and its mask by
    2 % of its pixels (or two of them). Without a target all classes are held to what the target is. NaN agrees with
    nothing.
    """
    compared = np.s_[...] if target is None else np.s_[..., target]
    for expected, actual in zip(reference, other, strict=True):
        difference = np.abs(expected - actual)
        if not (difference.mean() <= MAX_MEAN_DIFFERENCE and difference[compared].mean() <= MAX_TARGET_DIFFERENCE):
            return False
        expected_mask, actual_mask = predicted_mask(expected)[compared], predicted_mask(actual)[compared]
        if np.count_nonzero(expected_mask != actual_mask) > max(MAX_MASK_DIFFERENCE * expected_mask.sum(), 2):
            return False
    return True


def _one_call_at_a_time(alone: Any, streams: Any, planes: bool) -> Predict:
    """Return a function for all threads, of which one runs at a time: it uses all cores. Other Python threads go on.

    A frame that comes alone is divided among all cores. Of several, each has a stream of cores to itself: together they
    are done sooner, because no core waits for another one after each layer.
    """
    import openvino

    shape = [length.get_length() for length in list(streams.output(0).partial_shape)[1:]]
    request, queue, lock = alone.create_infer_request(), openvino.AsyncInferQueue(streams), threading.Lock()

    def store(done: Any, place: tuple[np.ndarray, int]) -> None:
        results, index = place
        results[index] = done.get_output_tensor(0).data[0]

    queue.set_callback(store)

    def predict(frames: np.ndarray) -> np.ndarray:
        frames = np.ascontiguousarray(frames)
        with lock:
            if len(frames) == 1:
                results = np.asarray(request.infer([frames], share_inputs=True)[0])
            else:
                results = np.empty((len(frames), *shape), np.float32)
                for index in range(len(frames)):
                    queue.start_async([frames[index : index + 1]], (results, index), share_inputs=True)
                queue.wait_all()
        return np.moveaxis(results, 1, -1) if planes else results

    return predict


def _milliseconds(functions: Sequence[Predict], frame: np.ndarray) -> list[float]:
    """Return the minimal duration of each function for one frame, in turns: other load only ever adds time."""
    seconds = [[timeit(partial(each, frame), number=1) for each in functions] for _ in range(TIMED_RUNS)]
    return [float(shortest) * 1000 for shortest in np.min(seconds, axis=0)]
