"""Import Keras and TensorFlow as this program needs them. For commands, before they import keras; it takes seconds."""

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PROCESSORS = Path("/proc/cpuinfo")  # of Linux


def import_tensorflow_quietly() -> None:
    """Import Keras, and TensorFlow if it is the backend; TensorFlow's messages are shown only if its import fails.

    Its native code writes to file descriptor 2 before it reads any settings, so the descriptor itself is redirected
    meanwhile. Later errors appear as usual.

    On CPUs its allocator keeps the memory of large tensors for reuse. By default each is allocated anew, and the system
    clears its pages, which takes up to a third of a training's time.

    On GPUs it takes memory as it needs it. By default it takes all, and none is left for QuadSim.

    The backend is that of KERAS_BACKEND, else TensorFlow. Settings in ~/.keras/keras.json do not count: files that
    Keras wrote in 2017 may name Theano, channels first or float16. Raises RuntimeError for a backend that is missing,
    and for a processor that TensorFlow does not run on.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    backend = os.environ["KERAS_BACKEND"]  # or the default of `model`
    if backend == "tensorflow" and find_spec("tensorflow") is not None:
        _check_processor()
        with suppressed_stderr():
            import tensorflow as tf

            tf.config.list_physical_devices()  # searches for GPUs, and complains if there are none
    try:
        import keras  # noqa: F401 - to name why it fails
    except ImportError as error:
        raise RuntimeError(
            f"Keras is to run on {backend}, which cannot be imported here ({error}): install it, or choose another"
            " backend with the variable KERAS_BACKEND"
        ) from error
    from model.networks.keras_settings import set_keras_settings  # imports Keras

    set_keras_settings()


def _check_processor() -> None:
    """Raise RuntimeError if TensorFlow would abort the process, which it does without AVX; its last words are hidden.

    On other systems than Linux it is not known.
    """
    if platform.machine() != "x86_64" or not PROCESSORS.is_file():
        return
    lines = PROCESSORS.read_text(errors="replace").splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), ["avx"])
    if "avx" not in flags:
        raise RuntimeError(
            "TensorFlow needs a processor with AVX, and this one has none; in a virtual machine, let it have the"
            " host's processor (QEMU: -cpu host)"
        )


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
