"""The training loop."""

import keras
import pytest

from model.data.batches import BatchLoader
from model.training.run_folder import RunFolder
from tests.model.training.train_command import arguments, train

pytestmark = pytest.mark.training


def test_full_frames_take_their_fraction_of_the_epochs(data, tmp_path):
    """An epoch on full frames of 256 pixels has 2 samples a step here, one on crops has 4."""
    run = tmp_path / "run"
    settings = (data / "settings.toml").read_text().replace("full_frame_fraction = 0.0", "full_frame_fraction = 0.25")
    (tmp_path / "quarter.toml").write_text(settings)
    sizes = []
    batches = BatchLoader.batches

    def remember(loader, steps, size, *arguments):
        sizes.append(size)
        return batches(loader, steps, size, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchLoader, "batches", remember)
        status, printed = train(
            *arguments(data, run, validation=False), "--settings", tmp_path / "quarter.toml", "--epochs", 8
        )
    assert status == 0, printed
    assert sizes == [4, 4, 4, 2] * 2


def test_a_diverged_or_collapsed_training_ends_with_advice(data, tmp_path):
    run, file = tmp_path / "run", tmp_path / "mine.toml"
    status, printed = train(*arguments(data, run), "--epochs", 10, "--validation-interval", 10)
    assert status == 0, printed
    assert max(float(row["hero_iou_train"]) for row in RunFolder(run).results()) > 0.1
    best, last = ((run / name).read_bytes() for name in ("best.h5", "last.h5"))

    file.write_text("learning_rate = 1e9\n")
    status, printed = train("--resume", run, "--epochs", 100, "--settings", file)
    assert status == 2
    assert "training diverged: in epoch 11" in printed
    assert "the files are those of the epoch before" in printed
    assert "done" not in printed
    assert (run / "last.h5").read_bytes() == last
    assert len(RunFolder(run).results()) == 10

    file.write_text("learning_rate = 10.0\n")
    status, printed = train("--resume", run, "--epochs", 100, "--settings", file)
    assert status == 2
    assert "training collapsed" in printed
    assert "a learning_rate (with --init: fine_tuning_learning_rate) lower than 10," in printed
    assert f"from its best model so far: --init {run / 'best.h5'}" in printed
    rows = RunFolder(run).results()
    assert len(rows) < 20
    assert [float(row["hero_iou_train"]) for row in rows[-3:]] == [0, 0, 0]
    assert (run / "best.h5").read_bytes() == best


OUT_OF_MEMORY = """Graph execution error:

Detected at node conv defined at (most recent call last):
  File "keras/src/layers/layer.py", line 1002, in __call__

OOM when allocating tensor with shape[64,256,256,24] and type float
     [[{{node conv}}]]
Hint: If you want to see a list of allocated tensors when OOM happens, add report_tensor_allocations_upon_oom.
 [Op:__inference_multi_step_on_iterator_385]"""


@pytest.fixture
def failing(data, tmp_path, monkeypatch):
    """Runs a training whose first epoch raises an error."""

    def failing(error):
        def fail(*_, **__):
            raise error

        monkeypatch.setattr(keras.Model, "fit", fail)
        return train(*arguments(data, tmp_path / "run", validation=False))

    return failing


def test_a_training_without_enough_memory_ends_with_advice(failing):
    status, printed = failing(MemoryError("Unable to allocate 3 GiB"))
    assert status == 2
    assert "training failed: Unable to allocate 3 GiB. If this is for lack of memory, set a smaller" in printed


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="needs TensorFlow")
@pytest.mark.parametrize("interrupted", [False, True])
def test_errors_of_tensorflow_are_one_line_or_an_interrupt(failing, monkeypatch, interrupted):
    import tensorflow as tf

    monkeypatch.setattr("model.train.interrupted", lambda: interrupted)
    status, printed = failing(tf.errors.ResourceExhaustedError(None, None, OUT_OF_MEMORY))
    last = printed.splitlines()[-1]
    if interrupted:
        assert status == 130
        assert last.startswith("interrupted; continue with: ")
    else:
        assert status == 2
        assert last.startswith("training failed: OOM when allocating tensor with shape[64,256,256,24] and type float. ")
