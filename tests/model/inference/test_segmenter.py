"""The segmenter as the bridge and the evaluation use it: any size in, probabilities out; models of 2017, too."""

import threading
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dataset.images import decode_image
from dataset.jpeg import decode_jpeg
from dataset.schema import HERO
from model import networks
from model.inference.sanity_inputs import sanity_frames
from model.inference.segmenter import Segmenter
from model.weights import LoadedModel, WeightsError, save_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def segmenter():
    keras.utils.set_random_seed(3)
    network = networks.build("pyramid-small", 64)
    return Segmenter(LoadedModel(network, "small.h5", (64, 64)))


def test_the_description_is_one_line(segmenter):
    line = segmenter.describe()
    assert line.startswith("small.h5, 64x64, 0.0")
    assert "GMAC" in line
    assert segmenter.runtime in line
    assert segmenter.device in line
    assert "\n" not in line


def test_probabilities_have_the_networks_size(segmenter):
    result = segmenter.predict(sanity_frames((64, 64)))
    assert result.shape == (6, 64, 64, 3)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.sum(axis=-1), 1, atol=1e-3)


def test_other_sizes_are_resized_as_in_the_original_project(segmenter):
    frames = sanity_frames((256, 320))
    resized = np.stack([np.asarray(Image.fromarray(f).resize((64, 64), Image.Resampling.BILINEAR)) for f in frames])
    np.testing.assert_array_equal(segmenter.predict(frames), segmenter.predict(resized))


def test_no_frames_give_no_predictions(segmenter):
    assert segmenter.predict(np.empty((0, 64, 64, 3), np.uint8)).shape == (0, 64, 64, 3)


@pytest.mark.parametrize(
    "images",
    [np.zeros((64, 64, 3), np.uint8), np.zeros((1, 64, 64, 4), np.uint8), np.zeros((1, 64, 64, 3), np.float32)],
    ids=["one frame alone", "four channels", "floats"],
)
def test_other_arrays_are_refused(segmenter, images):
    with pytest.raises(ValueError, match=r"expected \(n, height, width, 3\) uint8"):
        segmenter.predict(images)


def test_threads_do_not_mix_up_their_predictions(segmenter):
    frames = sanity_frames((64, 64))
    alone = [segmenter.predict(frame[None]) for frame in frames]
    differences = []

    def work(index):
        for _ in range(20):
            differences.append(np.abs(segmenter.predict(frames[index][None]) - alone[index]).max())

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(frames))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(differences) == 120
    assert max(differences) == 0


def test_other_threads_run_while_it_computes(segmenter):
    frames = np.repeat(sanity_frames((64, 64)), 40, axis=0)
    thread = threading.Thread(target=segmenter.predict, args=(frames,))
    turns = 0
    thread.start()
    while thread.is_alive():
        thread.join(0.001)
        turns += 1
    assert turns > 5


def test_a_saved_model_is_loaded_from_its_file(segmenter, tmp_path):
    keras.utils.set_random_seed(5)
    network = networks.build("pyramid-small", 32)
    save_model(network, tmp_path / "ours.h5")
    loaded = Segmenter(tmp_path / "ours.h5")
    assert (loaded.name, loaded.input_size) == ("ours.h5", (32, 32))
    frames = sanity_frames((32, 32))
    assert np.abs(loaded.predict(frames) - np.asarray(network(frames.astype(np.float32)))).mean() < 0.5 / 255


@pytest.mark.parametrize("name", ["any.keras", "any.h5"])
def test_a_network_of_another_maker_for_any_size_gets_a_description_and_predicts(tmp_path, name):
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2DTranspose(64, 2, strides=2)(keras.layers.Conv2D(64, 3, strides=2, padding="same")(image))
    keras.Model(image, keras.layers.Conv2D(3, 1, activation="softmax")(x)).save(tmp_path / name)
    segmenter = Segmenter(tmp_path / name)
    giga_macs = (128 * 128 * (3 * 3 * 3 * 64 + 2 * 2 * 64 * 64) + 256 * 256 * 64 * 3) / 1e9
    assert segmenter.describe().startswith(f"{name}, 256x256, {giga_macs:.2f} GMAC")
    assert segmenter.predict(np.zeros((2, 100, 100, 3), np.uint8)).shape == (2, 256, 256, 3)


def test_a_missing_file_is_named():
    with pytest.raises(WeightsError, match="nowhere"):
        Segmenter("nowhere.h5")


def test_predictions_are_those_of_the_original_software(shared):
    folder = shared / "legacy_models" / "fcn_256_with_predictions"
    segmenter = Segmenter(folder / "model_weights")
    predictions = sorted((folder / "predictions").rglob("*_prediction.png"))
    assert len(predictions) == 26
    with zipfile.ZipFile(shared / "data" / "sample_evaluation_data.zip") as archive:
        for path in predictions:
            name = path.name.replace("_prediction.png", ".jpeg")
            image = decode_jpeg(archive.read(f"sample_evaluation_data/{path.parent.name}/images/{name}"))
            original = decode_image(path.read_bytes(), path)
            ours = (segmenter.predict(image[None])[0] * 255).astype(np.uint8)  # truncated as in the original
            assert np.abs(ours.astype(int) - original).mean() <= 0.1, name
            hero, original_hero = (np.count_nonzero(each[..., HERO] > 127) for each in (ours, original))
            if original_hero > 100:
                assert hero == pytest.approx(original_hero, rel=0.01), name


def test_a_device_that_lacks_memory_is_one_line(segmenter, monkeypatch):
    text = (
        "Graph execution error:\nOOM when allocating tensor with shape[64,64] on GPU:0\n [[node conv]] [Op:__inference]"
    )

    def predict(images):
        raise tf.errors.ResourceExhaustedError(None, None, text)

    monkeypatch.setattr(segmenter, "_predict", predict)
    with pytest.raises(RuntimeError, match=r"^\S+ failed on .*: OOM when allocating tensor[^\n]*$"):
        segmenter.predict(np.zeros((1, *segmenter.input_size, 3), np.uint8))
