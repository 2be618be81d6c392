"""Arrays of vertices to Panda3D geometry."""

from dataclasses import dataclass

import numpy as np
from panda3d.core import (
    Geom,
    GeomEnums,
    GeomTriangles,
    GeomVertexArrayFormat,
    GeomVertexData,
    GeomVertexFormat,
    InternalName,
)

VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 4), ("uv", "<f4", 2)])
PLAIN_VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 4)])


@dataclass(frozen=True)
class Mesh:
    """Triangles with colours and, for textured ones, texture coordinates."""

    positions: np.ndarray  # (n, 3) metres
    colors: np.ndarray  # (n, 3) 0..1
    triangles: np.ndarray  # (m, 3) indices, counter-clockwise seen from outside
    uvs: np.ndarray | None = None  # (n, 2)


def join(meshes: list[Mesh]) -> Mesh:
    """One mesh of many of the same kind."""
    starts = np.cumsum([0, *(len(mesh.positions) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.positions for mesh in meshes]),
        np.concatenate([mesh.colors for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)]),
        None if meshes[0].uvs is None else np.concatenate([mesh.uvs for mesh in meshes]),
    )


def vertex_format(textured: bool) -> GeomVertexFormat:
    """The layout of `VERTEX` or `PLAIN_VERTEX`."""
    array = GeomVertexArrayFormat()
    array.add_column(InternalName.get_vertex(), 3, GeomEnums.NT_float32, GeomEnums.C_point)
    array.add_column(InternalName.get_color(), 4, GeomEnums.NT_uint8, GeomEnums.C_color)
    if textured:
        array.add_column(InternalName.get_texcoord(), 2, GeomEnums.NT_float32, GeomEnums.C_texcoord)
    form = GeomVertexFormat()
    form.add_array(array)
    return GeomVertexFormat.register_format(form)


def to_geom(mesh: Mesh) -> Geom:
    """The mesh as Panda3D draws it."""
    textured = mesh.uvs is not None
    rows = np.empty(len(mesh.positions), VERTEX if textured else PLAIN_VERTEX)
    rows["position"] = mesh.positions
    rows["color"][:, :3] = np.clip(mesh.colors * 255 + 0.5, 0, 255)
    rows["color"][:, 3] = 255
    if textured:
        rows["uv"] = mesh.uvs
    data = GeomVertexData("mesh", vertex_format(textured), GeomEnums.UH_static)
    data.unclean_set_num_rows(len(rows))
    memoryview(data.modify_array(0)).cast("B")[:] = rows.tobytes()
    triangles = GeomTriangles(GeomEnums.UH_static)
    triangles.set_index_type(GeomEnums.NT_uint32)
    indices = triangles.modify_vertices()
    indices.unclean_set_num_rows(mesh.triangles.size)
    memoryview(indices).cast("B")[:] = mesh.triangles.astype("<u4").tobytes()
    geom = Geom(data)
    geom.add_primitive(triangles)
    return geom
