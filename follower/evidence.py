"""How much one look at a blob says for or against its being the hero. What many looks come to, the tracker decides.

Other people wear red too, and a network takes their coat or skirt for the hero, but seldom all of them. What tells the
hero is that nearly the whole person is, and that shows the better the more pixels there are.
"""

import math

import cv2
import numpy as np

from follower.detection import HERO, PEOPLE, Blob

FAIR_SHARE = 0.7  # of a person's silhouette: more speaks for the hero, less for somebody else
WHOLE = 2.0  # log-odds for a person of CLEAR pixels who is the hero all over
CLEAR = 40.0  # pixels of a 256x256 image; what more pixels add grows with their square root,
CLEAREST = 2.0  # up to this many times as much
BODY_AREA = 0.4  # square metres of silhouette; what is smaller is a part of a person, or a leaf


def log_odds(blob: Blob, share: float, area: float) -> float:
    """Log-odds that the blob is the hero rather than somebody else taken for her, from this look alone.

    A straight line for what was counted over sizes and shares in flights of the stand-in, where 12,600 blobs were the
    hero and 1,600 were not.

    Args:
        blob: the hero's pixels.
        share: of the person's silhouette that they are, 0..1, by `hero_share`.
        area: of the blob, square metres.
    """
    clarity = min(math.sqrt(blob.reference_area / share / CLEAR), CLEAREST)
    body = min(area / share / BODY_AREA, 1.0)
    return WHOLE * clarity * body * (share - FAIR_SHARE) / (1 - FAIR_SHARE)


def hero_share(probabilities: np.ndarray, blob: Blob) -> float:
    """How much of the person whom the blob belongs to is the hero, by probability, in 0..1 and never 0.

    The person is what is people or hero, connected with the blob, no wider than it and reaching no farther above and
    below it than it is high: there a coat's head and legs are, and not yet the neighbours.

    Args:
        probabilities: (rows, columns, 3) float, classes background, people, hero, that the blob was found in.
    """
    left, top, width, height = cv2.boundingRect(blob.detection.mask.view(np.uint8))
    rows, columns = slice(max(0, top - height), top + 2 * height), slice(max(0, left - 1), left + width + 1)
    people, hero = probabilities[rows, columns, PEOPLE], probabilities[rows, columns, HERO]
    inside = blob.detection.mask[rows, columns]
    _, labels = cv2.connectedComponents((inside | (people + hero > 0.5)).view(np.uint8), connectivity=8)
    person = np.isin(labels, np.unique(labels[inside]))
    return float(hero[person].sum() / (people[person] + hero[person]).sum())
