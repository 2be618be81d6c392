"""How likely a person is the target, given how much of the silhouette is classified as target.

Other people wear red too, and a network takes their coat or skirt for the target, but seldom all of the person. What
distinguishes the target is that nearly its whole silhouette is classified as the target, and the more pixels there
are, the more reliable that is.
"""

import math

TYPICAL_FRACTION = 0.95  # of a target in plain view, by a network of which that is not known
UNCLEAR_FRACTION = 0.99  # the most that is typical in haze and in the dark
TYPICAL_RANGE = (0.9, 0.998)  # limits of a measured one
# A fraction whose log-odds are this much less than those of the typical one speaks neither for the target nor against;
NEUTRAL_MARGIN = 2.0
NEUTRAL_FRACTION = 0.75  # but none that is less than this speaks for it
REFERENCE_LOG_ODDS = 2.0  # of a silhouette of REFERENCE_AREA with at least the typical fraction
REFERENCE_AREA = 40.0  # pixels of a 256x256 image; the evidence grows with the square root of the area,
MAX_AREA_GAIN = 2.0  # up to this factor
MOST_AGAINST = -3.0  # ratio of the evidence of a person who is nothing of the target to that of one who is all of it
MIN_PERSON_AREA = 0.4  # square metres of silhouette; anything smaller is a part of a person, or a leaf


def log_odds(fraction: float, pixels: float, area: float, typical_fraction: float = TYPICAL_FRACTION) -> float:
    """Return the log-odds that a person is the target rather than a false positive, from one frame alone.

    `fraction` of the person's silhouette is target; the silhouette has `pixels` in a 256x256 image, and an `area` in
    square metres. A network that classifies `typical_fraction` of a target in plain view as target is as certain of few
    others, so the evidence grows with the log-odds of the fraction. A fraction that is not a number, as networks of
    half precision may give, says nothing.

    The constants fit counts in flights of the built-in simulator: 13,000 silhouettes of the target, 350 of others.
    """
    if math.isnan(fraction):
        return 0.0
    least, most = TYPICAL_RANGE
    typical = _logit(min(max(typical_fraction, least), most))
    neutral = max(typical - NEUTRAL_MARGIN, _logit(NEUTRAL_FRACTION))
    highest = REFERENCE_LOG_ODDS * area_gain(pixels) * min(area / MIN_PERSON_AREA, 1.0)
    return highest * min(max((_logit(fraction) - neutral) / (typical - neutral), MOST_AGAINST), 1.0)


def _logit(fraction: float) -> float:
    within = min(max(fraction, 1e-6), 1 - 1e-6)
    return math.log(within / (1 - within))


def area_gain(pixels: float) -> float:
    """Return how much more a silhouette of so many pixels of a 256x256 image counts than one of REFERENCE_AREA."""
    return min(math.sqrt(pixels / REFERENCE_AREA), MAX_AREA_GAIN)
