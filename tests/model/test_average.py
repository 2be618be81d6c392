"""The mean of models computes what the mean of their weights does; models that do not belong together are refused."""

import keras
import numpy as np
import pytest
from keras import layers

from model.average import main
from model.weights import load_model, save_model


def write(path, kernel, bias, seen=None, width=2):
    """Write a network of one convolution, each of whose weights is a number."""
    image = keras.Input((8, 8, 3))
    scores = layers.Conv2D(3, 1, name="scores")
    middle = layers.Conv2D(width, 1, name="middle", kernel_initializer="ones")
    network = keras.Model(image, layers.Softmax(name="probabilities")(scores(middle(image))))
    scores.set_weights([np.full((1, 1, width, 3), kernel), np.arange(3) * bias])
    return str(save_model(network, path, {}, None if seen is None else np.array(seen, np.uint64)))


def weights(path):
    loaded = load_model(path)
    kernel, bias = loaded.model.get_layer("scores").get_weights()
    return kernel.flat[0], bias[1], loaded


def test_all_models_count_alike_and_what_they_were_trained_on_is_kept(tmp_path, capsys):
    models = [write(tmp_path / f"{n}.h5", n, 10 * n, [n, 7]) for n in (1, 2, 6)]
    assert main([*models, "--out", str(tmp_path / "mean.h5")]) == 0
    kernel, bias, loaded = weights(tmp_path / "mean.h5")
    assert (kernel, bias) == pytest.approx((3, 30))
    assert loaded.seen_in_training.tolist() == [1, 2, 6, 7]
    assert loaded.metadata["mean_of"][0] == ["1.h5", pytest.approx(1 / 3)]
    assert "33% of 6.h5" in " ".join(capsys.readouterr().out.split())


def test_the_last_model_can_count_more(tmp_path):
    models = [write(tmp_path / f"{n}.h5", n, n) for n in (1, 3, 10)]
    assert main([*models, "--last-weight", "0.8", "--out", str(tmp_path / "mean.keras")]) == 0
    kernel, _, loaded = weights(tmp_path / "mean.keras")
    assert kernel == pytest.approx(0.1 * 1 + 0.1 * 3 + 0.8 * 10)
    assert loaded.seen_in_training is None


def test_models_of_another_network_are_refused_and_nothing_is_written_or_replaced(tmp_path, capsys):
    one, other = write(tmp_path / "one.h5", 1, 1), write(tmp_path / "other.h5", 1, 1, width=4)
    assert main([other, one, "--out", str(tmp_path / "mean.h5")]) == 2
    assert "other.h5 is another network than the last model: their layers middle" in capsys.readouterr().err
    assert not (tmp_path / "mean.h5").exists()
    before = (tmp_path / "one.h5").read_bytes()
    assert main([one, one, "--out", one]) == 2
    assert "is already there" in capsys.readouterr().err
    assert (tmp_path / "one.h5").read_bytes() == before


@pytest.mark.parametrize("arguments", [["one.h5"], ["one.h5", "two.h5", "--last-weight", "1.5"]])
def test_one_model_and_shares_beyond_one_are_usage_errors(arguments):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--out", "mean.h5"])
    assert ended.value.code == 2
