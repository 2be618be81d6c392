"""What runtimes raise where a device, its driver or its memory fails, and what of that is worth printing."""

import keras

REMARKS = ("[[", "[Op:", "Hint:")  # TensorFlow's, behind the cause: the names of node and operation, advice


def failures() -> tuple[type[Exception], ...]:
    """Return what the runtimes raise."""
    if keras.backend.backend() != "tensorflow":
        return (RuntimeError, MemoryError)
    import tensorflow as tf

    return (RuntimeError, MemoryError, tf.errors.OpError)


def cause(error: Exception) -> str:
    """Return the line that says what failed: before it is where, behind it TensorFlow's remarks."""
    lines = [line.strip() for line in str(error).splitlines()]
    return ([line for line in lines if line and not line.startswith(REMARKS)] or [type(error).__name__])[-1]
