"""The settings of Keras that networks need. ~/.keras/keras.json does not count: one of 2017 may have other ones."""

import keras


def set_keras_settings() -> None:
    """Choose channels last and float32."""
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
