"""Everything that stands still: the city's ground, buildings, plants and sky, as Panda3D nodes with light baked in."""

from collections.abc import Callable

import numpy as np
from panda3d.core import GeomNode, NodePath, SamplerState, TexGenAttrib, Texture, TextureStage

from simulator.contract import Box
from simulator.rendering import textures
from simulator.rendering.meshes import Mesh, join, to_geom
from simulator.rendering.shade import REACH, ShadeMap
from simulator.world.city import City, Light
from simulator.world.city_blocks import KERB

PAINTS = {"white": ("paint", (0.95, 0.95, 0.92)), "yellow": ("paint", (0.80, 0.62, 0.16))}
TILES = {"paint": 2.0, "road": 6.0, "pavement": 3.2, "slabs": 6.4, "lawn": 5.0}  # m that a texture covers
STOREY, BAY = 3.3, 3.4  # m
WALLS = (
    (0.66, 0.71, 0.74),
    (0.86, 0.84, 0.80),
    (0.78, 0.55, 0.60),
    (0.60, 0.66, 0.70),
    (0.80, 0.74, 0.62),
    (0.55, 0.34, 0.28),
)
FOLIAGE = (
    (0.16, 0.34, 0.08),
    (0.22, 0.42, 0.10),
    (0.30, 0.45, 0.12),
    (0.75, 0.50, 0.10),
    (0.62, 0.12, 0.14),
    (0.60, 0.16, 0.42),
    (0.62, 0.60, 0.80),
)
SKY_RADIUS = 900.0  # m
NEIGHBOURHOOD = 40.0  # m
# The order of drawing is fixed, so that ties in depth fall out the same every time: sky, ground, solid things, people.
FIRST_SOLID, FIRST_FIGURES = 100, 10_000


def build_scenery(city: City, shade: ShadeMap) -> NodePath:
    """The city's solid part. Texture stages: the picture, then (on the ground) the shade."""
    random = np.random.default_rng([city.seed, 13])
    root = NodePath("city")
    make: dict[str, Callable[[], np.ndarray]] = {
        "road": lambda: textures.asphalt(random),
        "pavement": lambda: textures.pavement(random),
        "slabs": lambda: textures.slabs(random),
        "lawn": lambda: textures.grass(random),
        "paint": lambda: textures.paint(random),
        "leaves": lambda: textures.leaves(random),
        "stone": lambda: textures.stone(random),
        "roof": lambda: textures.roof(random),
        "plaster": lambda: textures.facade(random, "plaster"),
        "plain": lambda: textures.facade(random, "plain"),
        "brick": lambda: textures.facade(random, "brick"),
    }
    pictures = {name: textures.to_texture(name, maker()) for name, maker in make.items()}
    shade_stage = _shade_stage(root, shade, city.light)
    # Coverings lie too close upon each other for a depth buffer: they are painted first, from the lowest up.
    for order, ((_, kind), mesh) in enumerate(sorted(_ground(city).items())):
        node = _attach(root, kind, mesh, pictures[kind])
        _lay_shade(node, *shade_stage)
        node.set_bin("fixed", order)
        node.set_depth_test(False)
    # By neighbourhood, so that what is out of view costs nothing.
    parts: dict[tuple[str, int, int], list[Mesh]] = {("stone", 0, 0): [_kerbs(city)]}
    for box in city.boxes:
        column, row = (int(place // NEIGHBOURHOOD) for place in box.center)
        for material, mesh in _MAKERS[box.kind](box, city.light, random):
            parts.setdefault((material, column, row), []).append(mesh)
    for order, ((material, _, _), meshes) in enumerate(parts.items(), FIRST_SOLID):
        _attach(root, material, join(meshes), pictures[material]).set_bin("fixed", order)
    return root


def build_sky(city: City) -> NodePath:
    """A dome to be kept around the camera; drawn first, without depth."""
    picture = textures.sky(np.random.default_rng([city.seed, 17]), city.light.overcast)
    around, rise = np.meshgrid(np.linspace(0, 2 * np.pi, 25), np.radians([-12, 0, 12, 30, 60, 90]), indexing="xy")
    positions = (
        np.stack([np.cos(around) * np.cos(rise), np.sin(around) * np.cos(rise), np.sin(rise)], axis=-1) * SKY_RADIUS
    )
    heights = np.clip((rise + np.radians(12)) / np.radians(102), 0.01, 0.99) ** 0.8
    uvs = np.stack([around / (2 * np.pi) * 2, heights], axis=-1)
    a = (np.arange(5)[:, None] * 25 + np.arange(24)).ravel()
    triangles = np.concatenate([np.stack([a, a + 26, a + 1], 1), np.stack([a, a + 25, a + 26], 1)])
    mesh = Mesh(positions.reshape(-1, 3), np.ones((150, 3)), triangles, uvs.reshape(-1, 2))
    texture = textures.to_texture("sky", picture)
    texture.set_wrap_v(SamplerState.WM_clamp)
    node = NodePath("sky")
    _attach(node, "dome", mesh, texture)
    node.set_bin("background", 0)
    node.set_depth_write(False)
    node.set_depth_test(False)
    return node


def _attach(root: NodePath, name: str, mesh: Mesh, texture: Texture) -> NodePath:
    node = GeomNode(name)
    node.add_geom(to_geom(mesh))
    path = root.attach_new_node(node)
    path.set_texture(TextureStage.get_default(), texture)
    return path


def _shade_stage(root: NodePath, shade: ShadeMap, light: Light) -> tuple[TextureStage, Texture]:
    strength = (light.ambient + light.sun * light.towards[2] * shade.grid)[::-1]
    texture = textures.to_texture("shade", np.repeat(strength[..., None], 3, axis=2), repeat=False)
    stage = TextureStage("shade")
    stage.set_sort(1)
    stage.set_mode(TextureStage.M_modulate)
    return stage, texture


def _lay_shade(node: NodePath, stage: TextureStage, texture: Texture) -> None:
    node.set_texture(stage, texture)
    node.set_tex_gen(stage, TexGenAttrib.M_world_position)
    node.set_tex_offset(stage, 0.5, 0.5)
    node.set_tex_scale(stage, 1 / (2 * REACH), 1 / (2 * REACH))


def _ground(city: City) -> dict[tuple[float, str], Mesh]:
    """The coverings, by height and kind."""
    meshes: dict[tuple[float, str], list[Mesh]] = {}
    for surface in city.surfaces:
        kind, color = PAINTS.get(surface.kind, (surface.kind, (1.0, 1.0, 1.0)))
        outline = np.array(surface.outline)
        positions = np.column_stack([outline, np.full(len(outline), surface.z)])
        fan = np.arange(1, len(outline) - 1)
        triangles = np.stack([0 * fan, fan, fan + 1], axis=1)
        mesh = Mesh(positions, np.tile(color, (len(outline), 1)), triangles, outline / TILES[kind])
        meshes.setdefault((surface.z, kind), []).append(mesh)
    return {key: join(group) for key, group in meshes.items()}


def _kerbs(city: City) -> Mesh:
    color = np.full(3, 0.55) * city.light.ambient * 1.6
    return join(
        [
            _walls([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], 0.0, KERB, color, (2.0, 2.0))
            for x0, y0, x1, y1 in city.blocks
        ]
    )


def _walls(outline, bottom: float, top: float, color, tile: tuple[float, float]) -> Mesh:
    """Upright faces around an outline, whole tiles along each."""
    outline = np.asarray(outline, dtype=float)
    positions, uvs, triangles = [], [], []
    for k, (start, end) in enumerate(zip(outline, np.roll(outline, -1, axis=0), strict=True)):
        across = max(1.0, round(float(np.hypot(*(end - start))) / tile[0]))
        up = (top - bottom) / tile[1]
        positions += [(*start, bottom), (*end, bottom), (*end, top), (*start, top)]
        uvs += [(0, 0), (across, 0), (across, up), (0, up)]
        triangles += [(4 * k, 4 * k + 1, 4 * k + 2), (4 * k, 4 * k + 2, 4 * k + 3)]
    colors = np.tile(color, (len(positions), 1)) if np.ndim(color) == 1 else np.repeat(color, 4, axis=0)
    return Mesh(np.array(positions), colors, np.array(triangles), np.array(uvs))


def _lit(normals: np.ndarray, light: Light) -> np.ndarray:
    direct = np.maximum(normals @ light.towards, 0)
    return light.sun * direct + light.ambient * (1.0 + 0.2 * normals[..., 2])


def _flat_shaded(positions: np.ndarray, color, light: Light, scale: float) -> Mesh:
    """Separate triangles (m, 3, 3), each lit by its own normal; texture laid on by the dominant plane."""
    normals = np.cross(positions[:, 1] - positions[:, 0], positions[:, 2] - positions[:, 0])
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    colors = np.asarray(color) * _lit(normals, light)[:, None]
    u = np.where(np.abs(normals[:, :1]) > np.abs(normals[:, 1:2]), positions[..., 1], positions[..., 0])
    v = np.where(
        np.abs(normals[:, 2:]) > 0.8,
        np.where(np.abs(normals[:, :1]) > np.abs(normals[:, 1:2]), positions[..., 0], positions[..., 1]),
        positions[..., 2],
    )
    uvs = np.stack([u, v], axis=-1).reshape(-1, 2) / scale
    return Mesh(
        positions.reshape(-1, 3), np.repeat(colors, 3, axis=0), np.arange(positions.size // 3).reshape(-1, 3), uvs
    )


def _outline(box: Box, shrink: float = 0.0) -> np.ndarray:
    cos, sin = np.cos(box.yaw), np.sin(box.yaw)
    half = np.array(box.size) / 2 - shrink
    return (np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half) @ np.array([[cos, sin], [-sin, cos]]) + box.center


def _block(
    box: Box, light: Light, color, scale: float = 2.0, bottom: float | None = None, top: float | None = None
) -> Mesh:
    """The box itself, sides and top."""
    outline = _outline(box)
    low = np.column_stack([outline, np.full(4, box.bottom if bottom is None else bottom)])
    high = np.column_stack([outline, np.full(4, box.top if top is None else top)])
    faces = [(high[0], high[1], high[2]), (high[0], high[2], high[3])]
    for k in range(4):
        j = (k + 1) % 4
        faces += [(low[k], low[j], high[j]), (low[k], high[j], high[k])]
    return _flat_shaded(np.array(faces), color, light, scale)


def _building(box: Box, light: Light, random: np.random.Generator):
    color = np.array(WALLS[random.integers(len(WALLS))]) * random.uniform(0.9, 1.1)
    style = "brick" if color[0] > 1.5 * color[2] else str(random.choice(["plaster", "plain"]))
    hipped = random.random() < 0.5
    eaves = box.top - (2.2 if hipped else 0.0)
    storeys = max(1, round((eaves - box.bottom) / STOREY))
    outline = _outline(box)
    sides = np.roll(outline, -1, axis=0) - outline
    normals = np.column_stack([sides[:, 1], -sides[:, 0], np.zeros(4)]) / np.hypot(*sides.T)[:, None]
    colors = color * _lit(normals, light)[:, None]
    yield style, _walls(outline, box.bottom, eaves, colors, (BAY, (eaves - box.bottom) / storeys))
    base = Box(box.center, (box.size[0] + 0.16, box.size[1] + 0.16), box.bottom, box.bottom + 0.8, box.yaw, "base")
    yield "stone", _block(base, light, (0.42, 0.42, 0.43))
    roof_color = np.array([(0.36, 0.38, 0.42), (0.45, 0.28, 0.22), (0.30, 0.31, 0.33)][random.integers(3)])
    if hipped:
        out, ridge = _outline(box, -0.35), _outline(box, min(box.size) * 0.33)
        low, high = np.column_stack([out, np.full(4, eaves)]), np.column_stack([ridge, np.full(4, box.top)])
        faces = [(high[0], high[1], high[2]), (high[0], high[2], high[3])]
        for k in range(4):
            j = (k + 1) % 4
            faces += [(low[k], low[j], high[j]), (low[k], high[j], high[k])]
        yield "roof", _flat_shaded(np.array(faces), roof_color, light, 4.0)
    else:
        cornice = Box(box.center, (box.size[0] + 0.5, box.size[1] + 0.5), eaves - 0.45, eaves, box.yaw, "cornice")
        yield "stone", _block(cornice, light, color * 0.85)
        top = Box(box.center, box.size, eaves - 0.1, eaves + 0.02, box.yaw, "top")
        yield "roof", _block(top, light, roof_color, 4.0)


def _blob(
    center, radii, color, light: Light, random: np.random.Generator, scale: float = 2.5, rough: float = 0.12
) -> Mesh:
    """A lumpy ball; tops are brighter than undersides."""
    sides, rings = 9, 6
    around = np.arange(sides) / sides * 2 * np.pi
    rise = np.linspace(-np.pi / 2, np.pi / 2, rings)
    lumps = 1 + rough * random.normal(size=(rings, sides))
    lumps[[0, -1]] = 1.0
    unit = np.stack(
        [
            np.cos(rise)[:, None] * np.cos(around),
            np.cos(rise)[:, None] * np.sin(around),
            np.sin(rise)[:, None] + 0 * around,
        ],
        axis=-1,
    )
    points = np.array(center) + unit * lumps[..., None] * np.array(radii)
    # A first column once more, so that the texture runs on around.
    points, unit = np.concatenate([points, points[:, :1]], axis=1), np.concatenate([unit, unit[:, :1]], axis=1)
    colors = np.asarray(color) * (_lit(unit, light) * (1 + 0.12 * random.normal(size=unit.shape[:2])))[..., None]
    u, v = np.meshgrid(
        np.linspace(0, 2 * np.pi * radii[0] / scale, sides + 1), np.linspace(0, np.pi * radii[2] / scale, rings)
    )
    a = (np.arange(rings - 1)[:, None] * (sides + 1) + np.arange(sides)).ravel()
    b, c, d = a + 1, a + sides + 2, a + sides + 1
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return Mesh(points.reshape(-1, 3), colors.reshape(-1, 3), triangles, np.stack([u, v], axis=-1).reshape(-1, 2))


def _crown(box: Box, light: Light, random: np.random.Generator):
    color = np.array(FOLIAGE[random.choice(len(FOLIAGE), p=[0.25, 0.25, 0.2, 0.1, 0.08, 0.06, 0.06])]) * 1.6
    width, tall = box.size[0] / 2, (box.top - box.bottom) / 2
    middle = (box.bottom + box.top) / 2
    yield "leaves", _blob((*box.center, middle), (width * 0.85, width * 0.85, tall), color, light, random)
    for _ in range(3):
        turn, z = random.uniform(0, 2 * np.pi), random.uniform(-0.45, 0.35) * tall
        off = width * 0.5
        place = (box.center[0] + off * np.cos(turn), box.center[1] + off * np.sin(turn), middle + z)
        yield (
            "leaves",
            _blob(place, (width * 0.55, width * 0.55, tall * 0.5), color * random.uniform(0.8, 1.2), light, random),
        )


def _bush(box: Box, light: Light, random: np.random.Generator):
    color = np.array(FOLIAGE[random.choice(4, p=[0.4, 0.3, 0.2, 0.1])]) * 1.6
    middle = (*box.center, (box.bottom + box.top) / 2)
    yield (
        "leaves",
        _blob(middle, (box.size[0] / 2, box.size[1] / 2, (box.top - box.bottom) / 2), color, light, random, 1.5, 0.2),
    )


def _hedge(box: Box, light: Light, random: np.random.Generator):
    yield "leaves", _block(box, light, (0.26, 0.50, 0.14), 1.2)


def _rock(box: Box, light: Light, random: np.random.Generator):
    middle = (*box.center, (box.bottom + box.top) / 2)
    yield (
        "stone",
        _blob(
            middle,
            (box.size[0] / 2, box.size[1] / 2, (box.top - box.bottom) / 2),
            (0.6, 0.58, 0.55),
            light,
            random,
            1.0,
            0.15,
        ),
    )


def _planter(box: Box, light: Light, random: np.random.Generator):
    """A round wall of alternating red and grey stones, filled with soil."""
    radius, count = box.size[0] / 2, 16
    turn = np.arange(count) / count * 2 * np.pi
    rim = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    for share, top, up in ((1.0, box.top, True), (0.84, box.top - 0.06, False)):
        outline = np.array(box.center) + radius * share * rim
        for k in range(count):
            j = (k + 1) % count
            low = [(*outline[k], box.bottom), (*outline[j], box.bottom)]
            high = [(*outline[k], top), (*outline[j], top), (*box.center, top)]
            color = ((0.50, 0.16, 0.15), (0.62, 0.62, 0.60))[k % 2] if up else (0.35, 0.30, 0.18)
            faces = [high] + ([(low[0], low[1], high[1]), (low[0], high[1], high[0])] if up else [])
            if not up:
                faces = [[(p[0], p[1], top + 0.09) for p in high]]
            yield "stone", _flat_shaded(np.array(faces), color, light, 2.0)


def _bench(box: Box, light: Light, random: np.random.Generator):
    yield "stone", _block(box, light, (0.50, 0.34, 0.20), 1.0)


def _trunk(box: Box, light: Light, random: np.random.Generator):
    yield "stone", _block(box, light, (0.42, 0.34, 0.26), 1.0)


def _lamp(box: Box, light: Light, random: np.random.Generator):
    yield "stone", _block(box, light, (0.22, 0.23, 0.24), 1.0)
    head = Box(box.center, (0.5, 0.5), box.top - 0.45, box.top, box.yaw, "head")
    yield "stone", _block(head, light, (0.85, 0.85, 0.80), 1.0)


_MAKERS = {
    "building": _building,
    "crown": _crown,
    "trunk": _trunk,
    "bush": _bush,
    "hedge": _hedge,
    "rock": _rock,
    "planter": _planter,
    "bench": _bench,
    "lamp": _lamp,
}
