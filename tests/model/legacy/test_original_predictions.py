"""Rebuilt models of 2017 against predictions of the original software."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from model.weights import load_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def original(shared: Path) -> Path:
    return shared / "legacy_models"


@pytest.mark.parametrize(
    ("weights", "size"),
    [
        ("fcn_160_large/model_weights", (160, 160)),
        ("fcn_160_h5_names/model_weights.h5", (160, 160)),
        ("fcn_256_with_predictions/model_weights", (256, 256)),
    ],
)
def test_public_pairs_load(original, weights, size):
    loaded = load_model(original / weights)
    assert (loaded.is_legacy, loaded.input_size) == (True, size)
    assert loaded.model.output_shape == (None, *size, 3)


def test_predictions_are_those_of_the_original_software(original, shared):
    """Mean difference of at most 0.5 of 255 on every image, hero area within 5 % where it is above 100 pixels."""
    folder = original / "fcn_256_with_predictions"
    model = load_model(folder / "model_weights").model
    predictions = sorted((folder / "predictions").glob("*/*_prediction.png"))
    assert predictions
    with ZipFile(shared / "data" / "sample_evaluation_data.zip") as archive:
        members = {tuple(Path(name).parts[-3:]): name for name in archive.namelist() if name.endswith(".jpeg")}
        for prediction in predictions:
            image_name = prediction.name.replace("_prediction.png", ".jpeg")
            with archive.open(members[prediction.parent.name, "images", image_name]) as file:
                image = np.asarray(Image.open(file).convert("RGB"), dtype=np.float32)
            expected = np.asarray(Image.open(prediction)).astype(int)
            result = (np.asarray(model(image[None]))[0] * 255).astype(np.uint8).astype(int)
            assert np.abs(result - expected).mean() <= 0.5, prediction
            hero, expected_hero = (int((values[..., 2] > 127).sum()) for values in (result, expected))
            if expected_hero > 100:
                assert hero == pytest.approx(expected_hero, rel=0.05), prediction
