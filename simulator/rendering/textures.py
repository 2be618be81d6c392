"""Procedural textures: arrays (height, width, 3) of 0..1, and their conversion to Panda3D."""

import cv2
import numpy as np
from panda3d.core import SamplerState, Texture

from simulator.types import FloatArray

SIDE = 256


def to_texture(name: str, picture: FloatArray, repeat: bool = True) -> Texture:
    """Convert (height, width, 3), the top row first, to a texture with mipmaps; sides must be powers of two."""
    texture = Texture(name)
    rows = np.clip(picture[::-1, :, ::-1] * 255 + 0.5, 0, 255).astype(np.uint8)
    texture.setup_2d_texture(rows.shape[1], rows.shape[0], Texture.T_unsigned_byte, Texture.F_rgb)
    texture.set_ram_image(rows.tobytes())
    texture.set_minfilter(SamplerState.FT_linear_mipmap_nearest)
    texture.set_magfilter(SamplerState.FT_linear)
    wrap = SamplerState.WM_repeat if repeat else SamplerState.WM_clamp
    texture.set_wrap_u(wrap)
    texture.set_wrap_v(wrap)
    return texture


def materials(random: np.random.Generator) -> dict[str, FloatArray]:
    """Return the textures of all materials but the sky, by name."""
    pictures = {make.__name__: make(random) for make in (road, pavement, slabs, lawn, paint, leaves, stone, roof)}
    return pictures | {style: facade(random, style) for style in ("plaster", "plain", "brick")}


def noise(random: np.random.Generator, side: int, grain: float) -> FloatArray:
    """Return smooth noise that tiles, (side, side), mean 0, deviation 1; `grain` in pixels."""
    waves = np.fft.rfft2(random.normal(size=(side, side)))
    square = np.fft.fftfreq(side)[:, None] ** 2 + np.fft.rfftfreq(side) ** 2
    smooth: FloatArray = np.fft.irfft2(waves * np.exp(-2 * (np.pi * grain) ** 2 * square), s=(side, side))
    return (smooth - smooth.mean()) / smooth.std()


def _tinted(brightness: FloatArray, tint: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> FloatArray:
    """Return a picture in one colour, by default grey, of the brightness (height, width)."""
    return brightness[..., None] * np.array(tint)


def lawn(random: np.random.Generator) -> FloatArray:
    """Return a bright green lawn."""
    layers = [0.09 * noise(random, SIDE, 0.8), 0.07 * noise(random, SIDE, 4), 0.05 * noise(random, SIDE, 30)]
    green = _tinted(1 + np.sum(layers, axis=0), (0.29, 0.54, 0.02))
    green[..., 0] *= 1 + 0.06 * noise(random, SIDE, 12)
    return green


def road(random: np.random.Generator) -> FloatArray:
    """Return a grey road surface."""
    return _tinted(1 + (0.05 * noise(random, SIDE, 0.8) + 0.05 * noise(random, SIDE, 20)), (0.40, 0.39, 0.38))


def paint(random: np.random.Generator) -> FloatArray:
    """Return worn road paint."""
    worn = 1 / (1 + np.exp(-4 * (noise(random, SIDE, 4) + 1.3)))
    return _tinted(0.45 + 0.5 * worn)


def slabs(random: np.random.Generator) -> FloatArray:
    """Return light slabs of mixed sizes with dark joints."""
    cells = 8
    owner = -np.ones((cells, cells), int)
    shades: list[float] = []
    for row, column in np.ndindex(cells, cells):
        if owner[row, column] >= 0:
            continue
        height, width = [(1, 2), (2, 1), (2, 2), (1, 1), (1, 2)][random.integers(5)]
        slab = [((row + i) % cells, (column + j) % cells) for i in range(height) for j in range(width)]
        for cell in [cell for cell in slab if owner[cell] < 0]:
            owner[cell] = len(shades)
        shades.append(np.clip(random.normal(0.78, 0.12), 0.52, 1.0))
    big = np.kron(owner, np.ones((SIDE // cells, SIDE // cells), int))
    joint = (big != np.roll(big, 2, axis=0)) | (big != np.roll(big, 2, axis=1))
    stone = np.array(shades)[big] * (1 + 0.05 * noise(random, SIDE, 1.2) + 0.06 * noise(random, SIDE, 14))
    stone = np.where(joint, 0.42, stone)
    return _tinted(np.asarray(cv2.GaussianBlur(stone, (0, 0), 0.6), float), tint=(1.0, 0.99, 0.97))


def pavement(random: np.random.Generator) -> FloatArray:
    """Return square grey slabs."""
    cells = 4
    big = np.kron(random.normal(0.66, 0.05, (cells, cells)), np.ones((SIDE // cells, SIDE // cells)))
    place = np.arange(SIDE) % (SIDE // cells)
    joint = (place < 3)[:, None] | (place < 3)[None, :]
    stone = np.where(joint, 0.40, big * (1 + 0.06 * noise(random, SIDE, 1.2) + 0.05 * noise(random, SIDE, 16)))
    return _tinted(stone, tint=(1.0, 0.99, 0.95))


def leaves(random: np.random.Generator) -> FloatArray:
    """Return foliage: light leaves and dark gaps; the colour comes from the vertices."""
    clumps = 0.62 + 0.20 * noise(random, SIDE, 3) + 0.16 * noise(random, SIDE, 9) + 0.08 * noise(random, SIDE, 1)
    return _tinted(np.clip(clumps, 0.12, 1.1))


def stone(random: np.random.Generator) -> FloatArray:
    """Return a rough surface for stone, bark and the like; the colour comes from the vertices."""
    return _tinted(0.85 * (1 + (0.10 * noise(random, SIDE, 2) + 0.10 * noise(random, SIDE, 12))))


def roof(random: np.random.Generator) -> FloatArray:
    """Return a roof of metal sheets or rows of tiles."""
    rows = (np.arange(SIDE) % 32 < 3)[:, None] | (np.arange(SIDE) % 64 < 2)[None, :]
    return _tinted(np.where(rows, 0.6, 0.9) * (1 + 0.08 * noise(random, SIDE, 6)))


def facade(random: np.random.Generator, style: str) -> FloatArray:
    """Return one bay of one storey: a wall with a window; the colour of the wall comes from the vertices."""
    side = 128
    wall = 0.88 * (1 + 0.03 * noise(random, side, 1.5) + 0.04 * noise(random, side, 18))
    if style == "brick":
        row = np.arange(side) // 8
        joints = (np.arange(side) % 8 < 1)[:, None] | ((np.arange(side)[None, :] + 8 * (row % 2)[:, None]) % 16 < 1)
        wall = np.where(joints, wall * 1.15, wall * (1 + 0.08 * np.kron(random.normal(size=(16, 16)), np.ones((8, 8)))))
    picture = _tinted(wall)
    picture[:5] *= 0.8  # a ledge, and its shadow
    picture[5:9] *= 1.1
    top, bottom, left, right = 28, 100, 40, 88
    picture[top - 8 : bottom + 6, left - 8 : right + 8] = 1.0 if style != "plain" else 0.8
    picture[bottom + 4 : bottom + 9, left - 12 : right + 12] = 0.55
    panes = np.linspace(0.34, 0.16, bottom - top)[:, None, None] * np.array([0.8, 0.95, 1.1])
    picture[top:bottom, left:right] = panes
    picture[top : top + 4, left:right] *= 0.5
    centre, upper = left + (right - left) // 2, top + (bottom - top) // 3  # of the window bars
    picture[top:bottom, centre - 2 : centre + 2] = 0.9
    picture[upper - 2 : upper + 2, left:right] = 0.9
    return picture


def sky(random: np.random.Generator, overcast: float) -> FloatArray:
    """Return (256, 512, 3): the horizon in the bottom row; tiles sideways."""
    up = np.linspace(1, 0, 256)[:, None, None]
    clear = np.array([0.36, 0.50, 0.72]) * up**0.5 + np.array([0.75, 0.82, 0.90]) * (1 - up**0.5)
    layers = [weight * np.hstack([noise(random, 256, grain)] * 2) for weight, grain in ((1.0, 24), (0.5, 9), (0.25, 3))]
    field = np.sum(layers, axis=0)
    cloud = 1 / (1 + np.exp(-(2.2 * field + 5 * overcast - 2.5)))[..., None]
    shade = (0.80 + 0.08 * np.hstack([noise(random, 256, 14)] * 2))[..., None] * np.array([0.97, 0.98, 1.0])
    return clear * (1 - cloud) + shade * cloud
