"""The static part of a city as Panda3D nodes, with light and shadows baked in."""

from dataclasses import replace

import numpy as np
from panda3d.core import NodePath, SamplerState, TexGenAttrib, TextureStage

from simulator.rendering import textures
from simulator.rendering.box_meshes import box_meshes
from simulator.rendering.ground_light import HALF_SIDE, GroundLight
from simulator.rendering.meshes import Mesh, attach, level, walls
from simulator.types import Box
from simulator.world.blocks import rectangle
from simulator.world.city import KERB, City, Light

PAINTS = {"white": (0.95, 0.95, 0.92), "yellow": (0.80, 0.62, 0.16)}
TILES = {"paint": 2.0, "road": 6.0, "pavement": 3.2, "slabs": 6.4, "lawn": 5.0}  # m that a texture covers
NEIGHBOURHOOD = 40.0  # m
# The order of drawing is fixed, so that ties in depth are the same every time: sky, ground, solid things, people.
FIRST_SOLID, FIRST_FIGURES = 100, 10_000
WALL_LAMPLIGHT = 0.7  # of the light of the lamps on the ground below
SKY_RADIUS = 900.0  # m
SKY_COLUMNS, SKY_ELEVATIONS = 25, (-12, 0, 12, 30, 60, 90)  # degrees


def build_scenery(city: City, ground: GroundLight) -> NodePath:
    """Return the static part of a city. Texture stages: the picture, then (on the ground) the light."""
    random = np.random.default_rng([city.seed, 13])
    root = NodePath("city")
    pictures = {name: textures.to_texture(name, picture) for name, picture in textures.materials(random).items()}
    light_texture = textures.to_texture("light", ground.strength(city.light)[::-1], repeat=False)
    stage = TextureStage("light")
    stage.set_sort(1)
    stage.set_mode(TextureStage.M_modulate)
    # Coverings lie too close to each other for the depth buffer: they are painted first, from the lowest up.
    for order, ((_, material), meshes) in enumerate(sorted(_ground(city).items())):
        node = attach(root, material, meshes, pictures[material])
        node.set_texture(stage, light_texture)
        node.set_tex_gen(stage, TexGenAttrib.M_world_position)
        node.set_tex_offset(stage, 0.5, 0.5)
        node.set_tex_scale(stage, 1 / (2 * HALF_SIDE), 1 / (2 * HALF_SIDE))
        node.set_bin("fixed", order)
        node.set_depth_test(False)
    # Grouped by neighbourhood, so that Panda3D culls what is out of view.
    groups: dict[tuple[str, int, int], list[Mesh]] = {("stone", 0, 0): _kerbs(city)}
    for box in city.boxes:
        column, row = (int(place // NEIGHBOURHOOD) for place in box.center)
        for material, mesh in box_meshes(box, _light_at(box, city.light, ground), random):
            groups.setdefault((material, column, row), []).append(mesh)
    for order, ((material, _, _), meshes) in enumerate(groups.items(), FIRST_SOLID):
        attach(root, material, meshes, pictures[material]).set_bin("fixed", order)
    return root


def _light_at(box: Box, light: Light, ground: GroundLight) -> Light:
    """Return the light with that of the lamps near a box."""
    if not light.lamps:
        return light
    ambient = light.ambient * np.array(light.sky_color) + WALL_LAMPLIGHT * ground.lamplight(np.array([box.center]))[0]
    red, green, blue = ambient.tolist()
    return replace(light, ambient=1.0, sky_color=(red, green, blue))


def _ground(city: City) -> dict[tuple[float, str], list[Mesh]]:
    """Return the meshes of the coverings by height and material."""
    groups: dict[tuple[float, str], list[Mesh]] = {}
    for surface in city.surfaces:
        material = "paint" if surface.kind in PAINTS else surface.kind
        outline = np.array(surface.outline)
        fan = np.arange(1, len(outline) - 1)
        triangles = np.stack([0 * fan, fan, fan + 1], axis=1)
        colors = np.tile(PAINTS.get(surface.kind, (1.0, 1.0, 1.0)), (len(outline), 1))
        mesh = Mesh(level(outline, surface.z), colors, triangles, outline / TILES[material])
        groups.setdefault((surface.z, material), []).append(mesh)
    return groups


def _kerbs(city: City) -> list[Mesh]:
    color = 0.55 * np.array(city.light.sky_color) * city.light.ambient * 1.6
    return [walls(np.array(rectangle(block)), 0.0, KERB, color, (2.0, 2.0)) for block in city.blocks]


def build_sky(city: City) -> NodePath:
    """Return a dome with clouds, to be centred on the camera. It is drawn first and writes no depth."""
    picture = textures.sky(np.random.default_rng([city.seed, 17]), city.light.overcast)
    around, rise = np.meshgrid(np.linspace(0, 2 * np.pi, SKY_COLUMNS), np.radians(SKY_ELEVATIONS))
    unit = np.stack([np.cos(around) * np.cos(rise), np.sin(around) * np.cos(rise), np.sin(rise)], axis=-1)
    heights = np.clip((rise + np.radians(12)) / np.radians(102), 0.01, 0.99) ** 0.8
    uvs = np.stack([around / (2 * np.pi) * 2, heights], axis=-1)
    low = (np.arange(len(SKY_ELEVATIONS) - 1)[:, None] * SKY_COLUMNS + np.arange(SKY_COLUMNS - 1)).ravel()
    high = low + SKY_COLUMNS
    triangles = np.concatenate([np.stack([low, high + 1, low + 1], 1), np.stack([low, high, high + 1], 1)])
    rising, ends = np.clip(np.sin(rise), 0, 1).ravel() ** 0.5, zip(city.light.horizon, city.light.zenith, strict=True)
    colors = np.stack([np.interp(rising, (0, 1), pair) for pair in ends], axis=1)
    mesh = Mesh(unit.reshape(-1, 3) * SKY_RADIUS, colors, triangles, uvs.reshape(-1, 2))
    texture = textures.to_texture("sky", picture)
    texture.set_wrap_v(SamplerState.WM_clamp)
    node = attach(NodePath("sky"), "dome", [mesh], texture)
    node.set_bin("background", 0)
    node.set_depth_write(False)
    node.set_depth_test(False)
    return node
