"""The sky: a dome with a cloud texture."""

import numpy as np
from panda3d.core import NodePath, SamplerState

from simulator.rendering.meshes import Mesh
from simulator.rendering.scenery import textures
from simulator.rendering.scenery.nodes import attach
from simulator.world.city import City

RADIUS = 900.0  # m
COLUMNS = 25
ELEVATIONS = (-12, 0, 12, 30, 60, 90)  # degrees


def build_sky(city: City) -> NodePath:
    """Return a dome, to be centred on the camera. It is drawn first and writes no depth."""
    picture = textures.sky(np.random.default_rng([city.seed, 17]), city.light.overcast)
    around, rise = np.meshgrid(np.linspace(0, 2 * np.pi, COLUMNS), np.radians(ELEVATIONS), indexing="xy")
    positions = np.stack([np.cos(around) * np.cos(rise), np.sin(around) * np.cos(rise), np.sin(rise)], axis=-1) * RADIUS
    heights = np.clip((rise + np.radians(12)) / np.radians(102), 0.01, 0.99) ** 0.8
    uvs = np.stack([around / (2 * np.pi) * 2, heights], axis=-1)
    corner = (np.arange(len(ELEVATIONS) - 1)[:, None] * COLUMNS + np.arange(COLUMNS - 1)).ravel()
    above = corner + COLUMNS
    triangles = np.concatenate([np.stack([corner, above + 1, corner + 1], 1), np.stack([corner, above, above + 1], 1)])
    mesh = Mesh(positions.reshape(-1, 3), np.ones((positions.size // 3, 3)), triangles, uvs.reshape(-1, 2))
    texture = textures.to_texture("sky", picture)
    texture.set_wrap_v(SamplerState.WM_clamp)
    node = NodePath("sky")
    attach(node, "dome", mesh, texture)
    node.set_bin("background", 0)
    node.set_depth_write(False)
    node.set_depth_test(False)
    return node
