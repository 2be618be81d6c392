"""Drawing the stand-in's world with Panda3D. Nothing moves here: what is given is drawn."""

from simulator.rendering.panda import RENDERERS, PandaRenderer, RendererError, make_renderer

__all__ = ["RENDERERS", "PandaRenderer", "RendererError", "make_renderer"]
