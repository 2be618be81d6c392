"""Segmentation: networks, weights, inference, training and scoring. Independent of any simulator."""

import os

# Read by Keras when it is imported. Its own default is ~/.keras/keras.json, and that of 2017 may name Theano.
os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "tensorflow"
