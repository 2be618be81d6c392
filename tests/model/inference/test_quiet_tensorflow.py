"""TensorFlow is imported without output, unless the import fails, and reuses its memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


def run(code, **environment):
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    variables.pop("KERAS_BACKEND", None)
    return subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=120)


def test_nothing_is_written_on_success():
    result = run(
        "from model.inference.quiet_tensorflow import import_tensorflow_quietly as go; go(); import keras; print('up')"
    )
    assert result.stdout == "up\n"
    assert result.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="counts page faults as Linux does")
def test_the_memory_of_large_tensors_is_kept_for_the_next_ones():
    result = run(
        "import resource\n"
        "from model.inference.quiet_tensorflow import import_tensorflow_quietly\n"
        "import_tensorflow_quietly()\n"
        "import tensorflow as tf\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    tf.zeros(2**24) + 1\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "print(faults(), faults())\n"
    )
    first, second = map(int, result.stdout.split())
    assert second < first / 10


def test_the_output_of_a_failed_import_is_shown(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'library xyz is missing\\n')\nraise ImportError('broken')\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    result = run("from model.inference.quiet_tensorflow import import_tensorflow_quietly as go; go()", PYTHONPATH=path)
    assert result.returncode == 1
    assert "library xyz is missing" in result.stderr
    assert "ImportError: broken" in result.stderr
