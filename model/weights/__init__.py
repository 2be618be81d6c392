"""Model files: find, load and save them. These three import Keras only for a file that turns out to be a model."""

from model.weights.find import WeightsError, find_weights
from model.weights.load import LoadedModel, load_model
from model.weights.save import check_savable, save_model

__all__ = [
    "LoadedModel",
    "WeightsError",
    "check_savable",
    "find_weights",
    "load_model",
    "save_model",
]
