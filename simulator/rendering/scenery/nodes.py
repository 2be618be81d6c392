"""Textured meshes as nodes of Panda3D's scene graph."""

from panda3d.core import GeomNode, NodePath, Texture, TextureStage

from simulator.rendering.meshes import Mesh, to_geom


def attach(root: NodePath, name: str, mesh: Mesh, texture: Texture) -> NodePath:
    """Attach a textured mesh to `root` and return its node."""
    node = GeomNode(name)
    node.add_geom(to_geom(mesh))
    path = root.attach_new_node(node)
    path.set_texture(TextureStage.get_default(), texture)
    return path
