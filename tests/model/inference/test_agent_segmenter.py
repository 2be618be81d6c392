"""Networks of any classes as the agent takes them."""

import numpy as np

from dataset.schema import Classes
from model.inference.agent_segmenter import as_usual_classes


def test_the_target_is_the_hero_and_only_people_are_people():
    classes = Classes(("dog", "people", "grass", "sky"), target=0, colours=(1, 2, 3, 4))
    given = np.float32([[[[0.5, 0.2, 0.2, 0.1], [0.1, 0.0, 0.3, 0.6]]]])
    np.testing.assert_allclose(as_usual_classes(given, classes), [[[[0.3, 0.2, 0.5], [0.9, 0.0, 0.1]]]], atol=1e-6)
    crowd = Classes(("grass", "people"), target=1, colours=(1, 2))
    np.testing.assert_allclose(as_usual_classes(given[..., :2], crowd)[0, 0, 0], [0.8, 0.0, 0.2], atol=1e-6)
