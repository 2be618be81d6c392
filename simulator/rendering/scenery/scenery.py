"""The static part of a city as Panda3D nodes, with light baked in."""

from collections.abc import Callable

import numpy as np
from panda3d.core import NodePath, TexGenAttrib, Texture, TextureStage

from simulator.rendering.meshes import Mesh, join
from simulator.rendering.scenery import textures
from simulator.rendering.scenery.box_meshes import box_meshes
from simulator.rendering.scenery.nodes import attach
from simulator.rendering.scenery.shadows import HALF_SIDE, ShadowMap
from simulator.rendering.scenery.shapes import level, walls
from simulator.types import FloatArray
from simulator.world.city import KERB, City, Light

PAINTS = {"white": (0.95, 0.95, 0.92), "yellow": (0.80, 0.62, 0.16)}
TILES = {"paint": 2.0, "road": 6.0, "pavement": 3.2, "slabs": 6.4, "lawn": 5.0}  # m that a texture covers
NEIGHBOURHOOD = 40.0  # m
# The order of drawing is fixed, so that ties in depth are the same every time: sky, ground, solid things, people.
FIRST_SOLID, FIRST_FIGURES = 100, 10_000


def build_scenery(city: City, shadows: ShadowMap) -> NodePath:
    """Return the static part of a city. Texture stages: the picture, then (on the ground) the shadows."""
    random = np.random.default_rng([city.seed, 13])
    root = NodePath("city")
    pictures = _make_textures(random)
    stage, shadow_texture = _shadow_stage(shadows, city.light)
    # Coverings lie too close to each other for the depth buffer: they are painted first, from the lowest up.
    for order, ((_, kind), mesh) in enumerate(sorted(_ground(city).items())):
        node = attach(root, kind, mesh, pictures[kind])
        _apply_shadows(node, stage, shadow_texture)
        node.set_bin("fixed", order)
        node.set_depth_test(False)
    # Grouped by neighbourhood, so that Panda3D culls what is out of view.
    groups: dict[tuple[str, int, int], list[Mesh]] = {("stone", 0, 0): [_kerbs(city)]}
    for box in city.boxes:
        column, row = (int(place // NEIGHBOURHOOD) for place in box.center)
        for material, mesh in box_meshes(box, city.light, random):
            groups.setdefault((material, column, row), []).append(mesh)
    for order, ((material, _, _), meshes) in enumerate(groups.items(), FIRST_SOLID):
        attach(root, material, join(meshes), pictures[material]).set_bin("fixed", order)
    return root


def _make_textures(random: np.random.Generator) -> dict[str, Texture]:
    makers: dict[str, Callable[[np.random.Generator], FloatArray]] = {
        "road": textures.asphalt,
        "pavement": textures.pavement,
        "slabs": textures.slabs,
        "lawn": textures.grass,
        "paint": textures.paint,
        "leaves": textures.leaves,
        "stone": textures.stone,
        "roof": textures.roof,
    }
    pictures = {name: make(random) for name, make in makers.items()}
    pictures |= {style: textures.facade(random, style) for style in ("plaster", "plain", "brick")}
    return {name: textures.to_texture(name, picture) for name, picture in pictures.items()}


def _shadow_stage(shadows: ShadowMap, light: Light) -> tuple[TextureStage, Texture]:
    strength = (light.ambient + light.sun * light.direction[2] * shadows.grid)[::-1]
    texture = textures.to_texture("shadows", np.repeat(strength[..., None], 3, axis=2), repeat=False)
    stage = TextureStage("shadows")
    stage.set_sort(1)
    stage.set_mode(TextureStage.M_modulate)
    return stage, texture


def _apply_shadows(node: NodePath, stage: TextureStage, texture: Texture) -> None:
    node.set_texture(stage, texture)
    node.set_tex_gen(stage, TexGenAttrib.M_world_position)
    node.set_tex_offset(stage, 0.5, 0.5)
    node.set_tex_scale(stage, 1 / (2 * HALF_SIDE), 1 / (2 * HALF_SIDE))


def _ground(city: City) -> dict[tuple[float, str], Mesh]:
    """Return the meshes of the coverings by height and material."""
    meshes: dict[tuple[float, str], list[Mesh]] = {}
    for surface in city.surfaces:
        material = "paint" if surface.kind in PAINTS else surface.kind
        outline = np.array(surface.outline)
        fan = np.arange(1, len(outline) - 1)
        triangles = np.stack([0 * fan, fan, fan + 1], axis=1)
        colors = np.tile(PAINTS.get(surface.kind, (1.0, 1.0, 1.0)), (len(outline), 1))
        mesh = Mesh(level(outline, surface.z), colors, triangles, outline / TILES[material])
        meshes.setdefault((surface.z, material), []).append(mesh)
    return {key: join(group) for key, group in meshes.items()}


def _kerbs(city: City) -> Mesh:
    color = np.full(3, 0.55) * city.light.ambient * 1.6
    outlines = ([(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for x0, y0, x1, y1 in city.blocks)
    return join([walls(outline, 0.0, KERB, color, (2.0, 2.0)) for outline in outlines])
