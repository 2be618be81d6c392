"""Triangle meshes as arrays, and their conversion to Panda3D geometry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from panda3d import core

from simulator.types import FloatArray

TEXTURED_VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 4), ("uv", "<f4", 2)])
PLAIN_VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 4)])


@dataclass(frozen=True)
class Mesh:
    """Triangles with vertex colours and, if textured, texture coordinates."""

    positions: FloatArray  # (n, 3) metres
    colors: FloatArray  # (n, 3) 0..1
    triangles: NDArray[np.int64]  # (m, 3) indices, counter-clockwise seen from outside
    uvs: FloatArray | None = None  # (n, 2)


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Return one mesh of several, either all textured or all plain."""
    starts = np.cumsum([0, *(len(mesh.positions) for mesh in meshes[:-1])])
    uvs = [mesh.uvs for mesh in meshes if mesh.uvs is not None]
    return Mesh(
        np.concatenate([mesh.positions for mesh in meshes]),
        np.concatenate([mesh.colors for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)]),
        np.concatenate(uvs) if uvs else None,
    )


def to_geom(mesh: Mesh) -> core.Geom:
    """Convert a mesh to Panda3D geometry."""
    rows = np.empty(len(mesh.positions), PLAIN_VERTEX if mesh.uvs is None else TEXTURED_VERTEX)
    rows["position"] = mesh.positions
    rows["color"][:, :3] = np.clip(mesh.colors * 255 + 0.5, 0, 255)
    rows["color"][:, 3] = 255
    if mesh.uvs is not None:
        rows["uv"] = mesh.uvs
    data = core.GeomVertexData("mesh", _vertex_format(textured=mesh.uvs is not None), core.GeomEnums.UH_static)
    data.unclean_set_num_rows(len(rows))
    memoryview(data.modify_array(0)).cast("B")[:] = rows.tobytes()
    triangles = core.GeomTriangles(core.GeomEnums.UH_static)
    triangles.set_index_type(core.GeomEnums.NT_uint32)
    indices = triangles.modify_vertices()
    indices.unclean_set_num_rows(mesh.triangles.size)
    memoryview(indices).cast("B")[:] = mesh.triangles.astype("<u4").tobytes()
    geom = core.Geom(data)
    geom.add_primitive(triangles)
    return geom


def _vertex_format(textured: bool) -> core.GeomVertexFormat:
    """Return the layout of `TEXTURED_VERTEX` or `PLAIN_VERTEX`."""
    array = core.GeomVertexArrayFormat()
    array.add_column(core.InternalName.get_vertex(), 3, core.GeomEnums.NT_float32, core.GeomEnums.C_point)
    array.add_column(core.InternalName.get_color(), 4, core.GeomEnums.NT_uint8, core.GeomEnums.C_color)
    if textured:
        array.add_column(core.InternalName.get_texcoord(), 2, core.GeomEnums.NT_float32, core.GeomEnums.C_texcoord)
    layout = core.GeomVertexFormat()
    layout.add_array(array)
    return core.GeomVertexFormat.register_format(layout)
