"""TensorFlow is imported without output, unless the import fails, and reuses its memory; old settings do no harm."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from model.inference import quiet_tensorflow

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


def run(code, **environment):
    inherited = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    variables = {**inherited, "PYTHONPATH": str(ROOT), **environment}
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


@pytest.mark.parametrize(
    ("machine", "flags", "runs"),
    [
        ("x86_64", "flags\t\t: fpu sse4_2 avx f16c\n", True),
        ("x86_64", "flags\t\t: fpu sse4_2 avxish\n", False),
        ("x86_64", "vendor_id\t: unknown\n", True),
        ("aarch64", "Features\t: fp asimd\n", True),
    ],
    ids=["with", "without", "unknown", "no x86"],
)
def test_a_processor_without_avx_is_one_sentence_instead_of_an_abort(monkeypatch, tmp_path, machine, flags, runs):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}")
    monkeypatch.setattr(quiet_tensorflow, "PROCESSORS", tmp_path / "cpuinfo")
    monkeypatch.setattr(quiet_tensorflow, "platform", SimpleNamespace(machine=lambda: machine))
    with nullcontext() if runs else pytest.raises(RuntimeError, match="needs a processor with AVX, and this one has"):
        quiet_tensorflow.import_tensorflow_quietly()


def test_gpus_are_shared_and_left_alone_before_anything_uses_them():
    """Two CPUs stand in for hidden GPUs: TensorFlow refuses both, too, once it has begun to compute."""
    result = run(
        "import os\n"
        "from model.inference.quiet_tensorflow import import_tensorflow_quietly\n"
        "import_tensorflow_quietly()\n"
        "import tensorflow as tf\n"
        "def hide(devices, kind):\n"
        "    (cpu,) = tf.config.list_physical_devices('CPU')\n"
        "    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)\n"
        "    print('hidden', devices, kind)\n"
        "tf.config.set_visible_devices = hide\n"
        "from model.inference.load import load_segmenter\n"
        "load_segmenter('model_weights.h5', 'tensorflow', 'cpu')\n"
        "print(os.environ['TF_FORCE_GPU_ALLOW_GROWTH'])\n"
    )
    assert result.stdout == "hidden [] GPU\ntrue\n", result.stderr


def test_the_output_of_a_failed_import_is_shown(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'library xyz is missing\\n')\nraise ImportError('broken')\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    result = run("from model.inference.quiet_tensorflow import import_tensorflow_quietly as go; go()", PYTHONPATH=path)
    assert result.returncode == 1
    assert "library xyz is missing" in result.stderr
    assert "ImportError: broken" in result.stderr


@pytest.fixture
def keras_of_2017(tmp_path):
    """A folder for KERAS_HOME, with the settings that a Keras of 2017 wrote."""
    old = {"backend": "theano", "image_data_format": "channels_first", "floatx": "float16", "epsilon": 1e-07}
    (tmp_path / "keras.json").write_text(json.dumps(old))
    return str(tmp_path)


def test_the_settings_of_a_keras_of_2017_are_not_used(keras_of_2017):
    result = run(
        "from model.inference.quiet_tensorflow import import_tensorflow_quietly\n"
        "import_tensorflow_quietly()\n"
        "from model import networks\n"
        "network = networks.build('pyramid-small', 32)\n"
        "print(network.output_shape, network.dtype)\n",
        KERAS_HOME=keras_of_2017,
    )
    assert result.stdout == "(None, 32, 32, 3) float32\n", result.stderr


def test_nor_by_the_command_that_prints_networks(keras_of_2017):
    """Python imports the package, and with it Keras, before the command."""
    code = "import runpy, sys; sys.argv[1:] = ['fcn-1']; runpy.run_module('model.networks', run_name='__main__')"
    result = run(code, KERAS_HOME=keras_of_2017)
    assert result.returncode == 0, result.stderr
    assert "0.372 GMAC per frame, 0.02 M parameters" in result.stdout


def test_a_backend_that_is_not_installed_is_one_sentence(tmp_path):
    (tmp_path / "jax.py").write_text("raise ImportError('no jax here')")
    result = run(
        "from model.inference.quiet_tensorflow import import_tensorflow_quietly\n"
        "try:\n"
        "    import_tensorflow_quietly()\n"
        "except RuntimeError as error:\n"
        "    print(error)\n",
        KERAS_BACKEND="jax",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]),
    )
    assert result.stdout.startswith("Keras is to run on jax, which cannot be imported here (no jax here): install it")
    assert result.stdout.count("\n") == 1
