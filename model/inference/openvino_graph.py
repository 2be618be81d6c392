"""Networks as OpenVINO's graphs, with endings that it computes quickly."""

import sys
import types
from typing import Any

import keras

from model.inference.tensorflow_runtime import trace

# OpenVINO's converter reports each conversion to Google Analytics, from processes that it forks and waits for. It does
# not if this package, here an empty one, has nothing to import.
sys.modules["openvino_telemetry"] = types.ModuleType("openvino_telemetry")


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
    if _moves_channels_last(transpose):
        planes = opset13.softmax(transpose.input_value(0), 1)
        moved = opset13.transpose(planes, transpose.input_value(1))
        result.input(0).replace_source_output(moved.output(0))


def end_in_planes(graph: Any) -> bool:
    """Let the graph return (n, classes, rows, columns), unless it ends otherwise; return whether it does now.

    NumPy moves the axis at no cost, and what looks at one class finds its pixels side by side.
    """
    (result,) = graph.get_results()
    transpose = result.input_value(0).get_node()
    if not _moves_channels_last(transpose):
        return False
    result.input(0).replace_source_output(transpose.input_value(0))
    return True


def _moves_channels_last(node: Any) -> bool:
    """Return whether a node of the graph makes (n, rows, columns, channels) of planes."""
    if node.get_type_name() != "Transpose":
        return False
    return bool(node.input_value(1).get_node().get_data().tolist() == [0, 2, 3, 1])
