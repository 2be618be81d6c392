"""Triangle meshes as arrays, and their conversion to Panda3D geometry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from panda3d import core

from simulator.types import FloatArray

VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 4), ("uv", "<f4", 2)])  # Panda3D's v3c4t2


@dataclass(frozen=True)
class Mesh:
    """Triangles with vertex colours and texture coordinates."""

    positions: FloatArray  # (n, 3) metres
    colors: FloatArray  # (n, 3) 0..1
    triangles: NDArray[np.int64]  # (m, 3) indices, counter-clockwise seen from outside
    uvs: FloatArray  # (n, 2)


def to_geom(meshes: Sequence[Mesh]) -> core.Geom:
    """Join meshes in one piece of Panda3D's geometry."""
    rows = np.empty(sum(len(mesh.positions) for mesh in meshes), VERTEX)
    rows["position"] = np.concatenate([mesh.positions for mesh in meshes])
    rows["color"][:, :3] = np.clip(np.concatenate([mesh.colors for mesh in meshes]) * 255 + 0.5, 0, 255)
    rows["color"][:, 3] = 255
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
