"""Import TensorFlow without its messages on the terminal. For commands, before they import keras; it takes seconds."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec


def import_tensorflow_quietly() -> None:
    """Import TensorFlow if it is Keras' backend; its messages are shown only if the import fails.

    Its native code writes to file descriptor 2 before it reads any settings, so the descriptor itself is redirected
    meanwhile. Later errors appear as usual.

    On CPUs its allocator keeps the memory of large tensors for reuse. By default each is allocated anew, and the system
    clears its pages, which takes up to a third of a training's time.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow" or find_spec("tensorflow") is None:
        return
    with suppressed_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()  # searches for GPUs, and complains if there are none


@contextmanager
def suppressed_stderr() -> Iterator[None]:
    """Hide what Python and native libraries write to standard error, unless the block raises an exception."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except BaseException:
            hidden.seek(0)
            os.write(terminal, hidden.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
