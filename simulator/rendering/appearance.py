"""Appearance of people: build, skin, hair and clothes, from a seed; the target's is fixed."""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from simulator.types import Person

Color = tuple[float, float, float]

SKINS = ((0.87, 0.70, 0.58), (0.78, 0.58, 0.45), (0.60, 0.42, 0.30), (0.42, 0.29, 0.21), (0.30, 0.20, 0.15))
HAIRS = ((0.08, 0.07, 0.06), (0.22, 0.14, 0.08), (0.40, 0.26, 0.13), (0.70, 0.58, 0.36), (0.55, 0.55, 0.55))
DARKS = ((0.18, 0.19, 0.23), (0.15, 0.21, 0.36), (0.30, 0.30, 0.33), (0.36, 0.29, 0.23), (0.22, 0.32, 0.27))
BRIGHTS = (
    (0.85, 0.85, 0.85),
    (0.20, 0.38, 0.70),
    (0.25, 0.60, 0.50),
    (0.80, 0.72, 0.20),
    (0.55, 0.30, 0.55),
    (0.85, 0.55, 0.25),
    (0.45, 0.65, 0.80),
    (0.35, 0.50, 0.22),
    (0.80, 0.45, 0.55),
)
REDS = ((0.75, 0.10, 0.10), (0.60, 0.08, 0.12), (0.85, 0.20, 0.15))
RED_HAIRS = ((0.70, 0.10, 0.06), (0.60, 0.25, 0.10))
BROWNS = ((0.36, 0.20, 0.12), (0.45, 0.27, 0.16), (0.28, 0.14, 0.10))
JEANS = ((0.28, 0.38, 0.58), (0.42, 0.54, 0.74), (0.20, 0.26, 0.42))


@dataclass(frozen=True)
class Appearance:
    """Appearance of one person."""

    height: float  # metres
    build: float  # girth, 1 is average
    hem: float  # lower end of the cloth around the pelvis, as a fraction of the height
    flare: float  # radius at the hem, as a fraction of the height
    long_hair: bool
    colors: tuple[Color, ...]  # 0..1, of the parts of the body, in the order of `figures.PARTS`

    @property
    def wears_red_top(self) -> bool:
        """Whether the top, or the coat, is red."""
        red, green, blue = self.colors[1]
        return red > 0.35 and max(green, blue) < 0.45 * red


def _varied(random: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    """Return one of the colours, a bit lighter or darker and of another hue."""
    varied = np.array(colors[random.integers(len(colors))]) * random.uniform(0.75, 1.2) + random.normal(0, 0.02, 3)
    red, green, blue = np.clip(varied, 0.02, 0.95).tolist()
    return (red, green, blue)


def _colors(cloth: Color, top: Color, skin: Color, hair: Color, *limbs: Color) -> tuple[Color, ...]:
    """Return the colours of the parts of a body.

    `cloth` is around the pelvis: coat, trousers or skirt; `limbs` are thighs, shins, shoes, upper arms and forearms.
    """
    return (cloth, top, skin, skin, hair, hair, *(color for color in (*limbs, skin) for _ in range(2)))


TARGET_SKIN, TARGET_HAIR, TARGET_LEGS = (0.62, 0.42, 0.33), (0.80, 0.03, 0.04), (0.22, 0.07, 0.06)
TARGET_CLOTH, TARGET_TOP, TARGET_SHOES = (0.85, 0.06, 0.05), (0.85, 0.08, 0.05), (0.85, 0.08, 0.08)
TARGET_LIMBS = (TARGET_LEGS, TARGET_LEGS, TARGET_SHOES, TARGET_SKIN, TARGET_SKIN)
TARGET_COLORS = _colors(TARGET_CLOTH, TARGET_TOP, TARGET_SKIN, TARGET_HAIR, *TARGET_LIMBS)
TARGET = Appearance(height=1.74, build=0.95, hem=0.44, flare=0.095, long_hair=True, colors=TARGET_COLORS)


@lru_cache(maxsize=4096)
def appearance_of(seed: int) -> Appearance:
    """Return the appearance of a seed: suits, jeans, skirts, sportswear; at most one red item."""
    random = np.random.default_rng([seed, 11])

    pick = partial(_varied, random)
    woman = random.random() < 0.5
    skin, hair, shoes = pick(SKINS), pick(HAIRS), pick(DARKS)
    top, bottom = pick(DARKS if random.random() < 0.35 else BRIGHTS), pick(DARKS if random.random() < 0.4 else JEANS)
    style = random.choice(["suit", "jeans", "skirt" if woman else "jeans", "shorts", "coat"])
    if style == "suit":
        bottom = top = pick((*DARKS, (0.45, 0.55, 0.68)))
    red = random.random()
    if red < 0.08:
        top = pick(REDS)
    elif red < 0.13:
        bottom = pick(REDS)
    elif red < 0.17:
        hair = pick(RED_HAIRS)
    bare = style in ("skirt", "shorts")
    short_sleeves = bare or random.random() < 0.35
    hem = {"skirt": random.uniform(0.26, 0.38), "coat": random.uniform(0.30, 0.42)}.get(style, 0.46)
    height = float(random.normal(1.67, 0.06) if woman else random.normal(1.78, 0.07))
    build = float(np.clip(random.normal(0.95 if woman else 1.08, 0.1), 0.75, 1.4))
    shins = skin if bare else bottom
    thighs = bottom if hem > 0.45 else shins
    arms, forearms = skin if short_sleeves and random.random() < 0.4 else top, skin if short_sleeves else top
    return Appearance(
        height,
        build,
        hem,
        flare={"skirt": 0.125, "coat": 0.105}.get(style, 0.085),
        long_hair=bool(woman and random.random() < 0.7),
        colors=_colors(top if style == "coat" else bottom, top, skin, hair, thighs, shins, shoes, arms, forearms),
    )


@lru_cache(maxsize=4096)
def look_alike_of(seed: int) -> Appearance:
    """Return an appearance in red and brown, or with red hair, that shares some items with the target's, never all."""
    random = np.random.default_rng([seed, 47])
    person = appearance_of(seed)
    hair, top, legs, shoes = person.colors[4], person.colors[1], person.colors[6], person.colors[10]
    shared = random.random(4) < 0.45
    shared[random.integers(3)] = False  # hair, top or legs tell it from the target
    hair = TARGET_HAIR if shared[0] else _varied(random, RED_HAIRS if random.random() < 0.4 else HAIRS)
    top = TARGET_TOP if shared[1] else _varied(random, (*REDS, *BROWNS))
    legs = TARGET_LEGS if shared[2] else _varied(random, (*BROWNS, *DARKS, *JEANS))
    shoes = TARGET_SHOES if shared[3] else shoes
    skin, dress = person.colors[2], random.random() < 0.5
    sleeves = skin if random.random() < 0.5 else top
    return replace(
        person,
        hem=TARGET.hem if dress else 0.46,
        flare=TARGET.flare,
        long_hair=bool(random.random() < 0.6),
        colors=_colors(top if dress else legs, top, skin, hair, legs, legs, shoes, sleeves, sleeves),
    )


def appearance_of_person(person: Person) -> Appearance:
    """Return the appearance of the target, or of one of the others."""
    if person.is_target:
        return TARGET
    return (look_alike_of if person.look_alike else appearance_of)(person.appearance_seed)
