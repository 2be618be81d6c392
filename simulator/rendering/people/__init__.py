"""People: appearance, body shape and meshes."""
