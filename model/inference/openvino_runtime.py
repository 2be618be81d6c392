"""Run a network with OpenVINO on the CPU, in the fastest precision whose predictions agree with the network's own."""

import logging
import sys
import threading
import types
from collections.abc import Sequence
from functools import partial
from timeit import timeit
from typing import Any

import keras
import numpy as np

from dataset.schema import HERO
from model.inference.choices import CompiledNetwork, Device, Precision, Predict, RuntimeUnavailable
from model.inference.sanity_inputs import sanity_frames
from model.inference.tensorflow_runtime import require_tensorflow_backend, trace
from model.score import predicted_mask

logger = logging.getLogger(__name__)

# OpenVINO's converter reports each conversion to Google Analytics, from processes that it forks and waits for. It does
# not if this package, here an empty one, has nothing to import.
sys.modules["openvino_telemetry"] = types.ModuleType("openvino_telemetry")

MAX_MEAN_DIFFERENCE = 0.5 / 255  # of all probabilities of a frame
MAX_MASK_DIFFERENCE = 0.02  # of the target's pixels
TIMED_RUNS = 15
MAX_STREAMS = 4  # frames at a time: as many as the bridge takes at once


def compile_for_openvino(
    network: keras.Model, device: Device, threads: int | None, precision: Precision, target: int | None = HERO
) -> CompiledNetwork:
    """Compile a network in float32 or, as the fastest where the CPU has it, bfloat16. Raises RuntimeUnavailable."""
    if device == "gpu":
        raise RuntimeUnavailable("the openvino runtime works on the CPU; choose the tensorflow runtime for a GPU")
    try:
        import openvino
    except ImportError as error:
        raise RuntimeUnavailable(
            "OpenVINO is not installed: pip install openvino, or choose another runtime"
        ) from error
    require_tensorflow_backend("the openvino runtime")

    try:
        graph = convert_to_openvino(network)
    except Exception as error:  # OpenVINO raises many kinds
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise RuntimeUnavailable(f"OpenVINO cannot convert this network ({reason}), choose another runtime") from error
    core, planes = openvino.Core(), _end_in_planes(graph)
    limit = {"INFERENCE_NUM_THREADS": threads} if threads else {}

    def compile_in(hint: str) -> tuple[int, Predict]:
        """Return the number of threads, and the network."""
        hints = {"INFERENCE_PRECISION_HINT": hint, **limit}
        alone = core.compile_model(graph, "CPU", {**hints, "PERFORMANCE_HINT": "LATENCY"})
        used: int = alone.get_property("INFERENCE_NUM_THREADS")
        streams = core.compile_model(graph, "CPU", {**hints, "NUM_STREAMS": min(used, MAX_STREAMS)})
        return used, _one_call_at_a_time(alone, streams, planes)

    frames = sanity_frames(network.input_shape[1:3])
    reference = trace(network)(keras.ops.convert_to_tensor(frames, "float32")).numpy()

    def agrees_with_network(predict: Predict) -> bool:
        together, alone = predict(frames), np.concatenate([predict(frame[None]) for frame in frames])
        return predictions_agree(reference, together, target) and predictions_agree(reference, alone, target)

    used, (cores, predict) = "float32", compile_in("f32")
    if not agrees_with_network(predict):
        raise RuntimeUnavailable("OpenVINO's predictions differ from the network's own, choose another runtime")
    has_bfloat16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")  # float16 could overflow
    if precision == "fastest" and has_bfloat16:
        _, predict_bf16 = compile_in("bf16")
        agrees = agrees_with_network(predict_bf16)
        milliseconds, milliseconds_bf16 = _milliseconds((predict, predict_bf16), frames[:1])
        logger.info(
            "OpenVINO takes %.1f ms per frame in float32 and %.1f ms in bfloat16, whose predictions %s",
            milliseconds,
            milliseconds_bf16,
            "agree" if agrees else "differ",
        )
        if agrees and milliseconds_bf16 < milliseconds:
            used, predict = "bfloat16", predict_bf16
    cpu = core.get_property("CPU", "FULL_DEVICE_NAME").strip()
    return CompiledNetwork(f"OpenVINO {used}", f"{cpu}, {cores} thread{'s' if cores > 1 else ''}", predict)


def predictions_agree(reference: np.ndarray, other: np.ndarray, target: int | None = HERO) -> bool:
    """Return whether two predictions, (n, rows, columns, classes) probabilities, agree in every frame.

    That is, probabilities differ by half a step of 8 bits on average at most, and the target's mask (without a target
    all masks together) by 2 % of its pixels (or two of them) at most. NaN agrees with nothing.
    """
    compared = np.s_[...] if target is None else np.s_[..., target]
    for expected, actual in zip(reference, other, strict=True):
        if not np.abs(expected - actual).mean() <= MAX_MEAN_DIFFERENCE:
            return False
        expected_mask, actual_mask = predicted_mask(expected)[compared], predicted_mask(actual)[compared]
        if np.count_nonzero(expected_mask != actual_mask) > max(MAX_MASK_DIFFERENCE * expected_mask.sum(), 2):
            return False
    return True


def convert_to_openvino(network: keras.Model) -> Any:
    """Return the network as an `openvino.Model` that takes (n, rows, columns, 3) uint8 frames, for any n."""
    import openvino
    from openvino.preprocess import PrePostProcessor

    from model.inference.graph_rewrites import rewrite_for_cpu

    graph = openvino.convert_model(trace(rewrite_for_cpu(network)))
    for shape_only in graph.outputs[1:]:  # tracing leaves the sizes of upsampled layers behind as outputs
        graph.remove_result(shape_only.get_node())
    _move_softmax_before_transpose(graph)
    preprocessor = PrePostProcessor(graph)
    preprocessor.input(0).tensor().set_element_type(openvino.Type.u8)
    return preprocessor.build()


def _move_softmax_before_transpose(graph: Any) -> None:
    """Compute the final softmax while channels are planes; once they are innermost it takes five times as long."""
    from openvino import opset13

    (result,) = graph.get_results()
    softmax = result.input_value(0).get_node()
    if softmax.get_type_name() != "Softmax" or softmax.get_attributes()["axis"] not in (-1, 3):
        return
    transpose = softmax.input_value(0).get_node()
    if transpose.get_type_name() != "Transpose":
        return
    if transpose.input_value(1).get_node().get_data().tolist() == [0, 2, 3, 1]:
        planes = opset13.softmax(transpose.input_value(0), 1)
        moved = opset13.transpose(planes, transpose.input_value(1))
        result.input(0).replace_source_output(moved.output(0))


def _end_in_planes(graph: Any) -> bool:
    """Let the graph return (n, classes, rows, columns), unless it ends otherwise; return whether it does now.

    NumPy moves the axis at no cost, and what looks at one class finds its pixels side by side.
    """
    (result,) = graph.get_results()
    transpose = result.input_value(0).get_node()
    if transpose.get_type_name() != "Transpose":
        return False
    if transpose.input_value(1).get_node().get_data().tolist() != [0, 2, 3, 1]:
        return False
    result.input(0).replace_source_output(transpose.input_value(0))
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
