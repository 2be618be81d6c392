"""Triangle meshes as arrays: shapes with light baked into the vertex colours, and the conversion to Panda3D."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from panda3d import core

from simulator.types import Box, FloatArray, Point
from simulator.world.city import Light

VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 4), ("uv", "<f4", 2)])  # Panda3D's v3c4t2

Color = FloatArray | tuple[float, float, float]


@dataclass(frozen=True)
class Mesh:
    """Triangles with vertex colours and texture coordinates."""

    positions: FloatArray  # (n, 3) metres
    colors: FloatArray  # (n, 3) 0..1
    triangles: NDArray[np.int64]  # (m, 3) indices, counter-clockwise seen from outside
    uvs: FloatArray  # (n, 2)
    opacity: FloatArray | None = None  # (n,) 0..1; None: opaque


def to_geom(meshes: Sequence[Mesh]) -> core.Geom:
    """Join meshes in one piece of Panda3D's geometry."""
    rows = np.empty(sum(len(mesh.positions) for mesh in meshes), VERTEX)
    rows["position"] = np.concatenate([mesh.positions for mesh in meshes])
    rows["color"][:, :3] = np.clip(np.concatenate([mesh.colors for mesh in meshes]) * 255 + 0.5, 0, 255)
    rows["color"][:, 3] = 255
    if any(mesh.opacity is not None for mesh in meshes):
        opacities = [np.ones(len(mesh.positions)) if mesh.opacity is None else mesh.opacity for mesh in meshes]
        rows["color"][:, 3] = np.concatenate(opacities) * 255 + 0.5
    rows["uv"] = np.concatenate([mesh.uvs for mesh in meshes])
    starts = np.cumsum([0, *(len(mesh.positions) for mesh in meshes[:-1])])
    indices = np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)])
    data = core.GeomVertexData("mesh", core.GeomVertexFormat.get_v3c4t2(), core.GeomEnums.UH_static)
    data.modify_array_handle(0).copy_data_from(rows.tobytes())
    triangles = core.GeomTriangles(core.GeomEnums.UH_static)
    triangles.set_index_type(core.GeomEnums.NT_uint32)
    triangles.modify_vertices().modify_handle().copy_data_from(indices.astype("<u4").tobytes())
    geom = core.Geom(data)
    geom.add_primitive(triangles)
    return geom


def attach(root: core.NodePath, name: str, meshes: Sequence[Mesh], texture: core.Texture) -> core.NodePath:
    """Attach textured meshes to `root` as one node, and return it."""
    node = core.GeomNode(name)
    node.add_geom(to_geom(meshes))
    path = root.attach_new_node(node)
    path.set_texture(core.TextureStage.get_default(), texture)
    return path


def brightness(normals: FloatArray, light: Light) -> FloatArray:
    """Return the brightness in each colour, (..., 3), of surfaces with the unit `normals` (..., 3) in full sun."""
    direct = light.sun * np.maximum(normals @ light.direction, 0)
    ambient = light.ambient * (1.0 + 0.2 * normals[..., 2])
    return direct[..., None] * np.array(light.sun_color) + ambient[..., None] * np.array(light.sky_color)


def walls(outline: FloatArray, bottom: float, top: float, color: FloatArray, tile: tuple[float, float]) -> Mesh:
    """Return upright faces around an outline (n, 2), counter-clockwise.

    One color for all walls, (3,), or one for each, (n, 3). `tile`: width and height of the texture, metres; the width
    is fitted to whole tiles along each wall.
    """
    positions, uvs, triangles = [], [], []
    for k, (start, end) in enumerate(zip(outline, np.roll(outline, -1, axis=0), strict=True)):
        across = max(1.0, round(float(np.hypot(*(end - start))) / tile[0]))
        up = (top - bottom) / tile[1]
        positions += [(*start, bottom), (*end, bottom), (*end, top), (*start, top)]
        uvs += [(0, 0), (across, 0), (across, up), (0, up)]
        triangles += [(4 * k, 4 * k + 1, 4 * k + 2), (4 * k, 4 * k + 2, 4 * k + 3)]
    colors = np.tile(color, (len(positions), 1)) if np.ndim(color) == 1 else np.repeat(color, 4, axis=0)
    return Mesh(np.array(positions), colors, np.array(triangles), np.array(uvs, dtype=float))


def flat_shaded(triangles: FloatArray, color: Color, light: Light, tile: float) -> Mesh:
    """Return separate triangles (m, 3, 3), each lit by its own normal and textured along its dominant plane."""
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    colors = np.asarray(color) * brightness(normals, light)
    x, y, z = triangles[..., 0], triangles[..., 1], triangles[..., 2]
    faces_x = np.abs(normals[:, :1]) > np.abs(normals[:, 1:2])
    u, across = np.where(faces_x, y, x), np.where(faces_x, x, y)
    v = np.where(np.abs(normals[:, 2:]) > 0.8, across, z)
    uvs = np.stack([u, v], axis=-1).reshape(-1, 2) / tile
    indices = np.arange(3 * len(triangles)).reshape(-1, 3)
    return Mesh(triangles.reshape(-1, 3), np.repeat(colors, 3, axis=0), indices, uvs)


def frustum(low: FloatArray, high: FloatArray, color: Color, light: Light, tile: float) -> Mesh:
    """Return the sides and the top between two outlines of four corners, (4, 3) each."""
    faces = [(high[0], high[1], high[2]), (high[0], high[2], high[3])]
    for k in range(4):
        j = (k + 1) % 4
        faces += [(low[k], low[j], high[j]), (low[k], high[j], high[k])]
    return flat_shaded(np.array(faces), color, light, tile)


def block(box: Box, light: Light, color: Color, tile: float = 2.0) -> Mesh:
    """Return the sides and the top of a box."""
    return frustum(level(box.outline(), box.bottom), level(box.outline(), box.top), color, light, tile)


def level(outline: FloatArray, z: float) -> FloatArray:
    """Return an outline (n, 2) at height z, (n, 3)."""
    return np.column_stack([outline, np.full(len(outline), z)])


def blob(
    center: Point,
    radii: tuple[float, float, float],
    color: Color,
    light: Light,
    random: np.random.Generator,
    tile: float = 2.5,
    roughness: float = 0.12,
) -> Mesh:
    """Return an uneven ellipsoid."""
    sides, rings = 9, 6
    around = np.arange(sides) / sides * 2 * np.pi
    rise = np.linspace(-np.pi / 2, np.pi / 2, rings)[:, None]
    lumps = 1 + roughness * random.normal(size=(rings, sides))
    lumps[[0, -1]] = 1.0
    unit = np.stack([np.cos(rise) * np.cos(around), np.cos(rise) * np.sin(around), np.sin(rise) + 0 * around], axis=-1)
    points = np.array(center) + unit * lumps[..., None] * np.array(radii)
    # The first column is repeated at the end, so that the texture continues all around.
    points, unit = np.concatenate([points, points[:, :1]], axis=1), np.concatenate([unit, unit[:, :1]], axis=1)
    colors = np.asarray(color) * (brightness(unit, light) * (1 + 0.12 * random.normal(size=unit.shape[:2]))[..., None])
    u, v = np.meshgrid(
        np.linspace(0, 2 * np.pi * radii[0] / tile, sides + 1), np.linspace(0, np.pi * radii[2] / tile, rings)
    )
    a = (np.arange(rings - 1)[:, None] * (sides + 1) + np.arange(sides)).ravel()
    b, c, d = a + 1, a + sides + 2, a + sides + 1
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return Mesh(points.reshape(-1, 3), colors.reshape(-1, 3), triangles, np.stack([u, v], axis=-1).reshape(-1, 2))
