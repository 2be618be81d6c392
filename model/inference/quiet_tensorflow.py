"""Brings TensorFlow up without the lines it writes to the terminal. For commands, before they import keras."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow when Keras is going to run on it. What it says on the way is shown only if it fails.

    Its C++ part writes to the process's standard error before any of its settings are read, so that the file descriptor
    has to be turned away for that moment; errors that come later are seen as usual.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow" or find_spec("tensorflow") is None:
        return
    with suppressed_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for a GPU, and complains where there is none


@contextmanager
def suppressed_stderr() -> Iterator[None]:
    """Keeps back what Python and native libraries write to standard error, and shows it only on failure."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(terminal, said.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
