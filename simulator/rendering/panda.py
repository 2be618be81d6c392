"""The renderer: a city, people and a camera in; colour, depth and classes out. Panda3D, in software or on a GPU.

Two passes over the same triangles. The first is the picture. The second is unlit and textured by depth: a ramp over the
distance along the optical axis, one ramp for each class, so that one readback gives depth and class of every pixel of
the picture. (Panda3D's software renderer cannot hand out its depth buffer.)
"""

import logging
from collections.abc import Sequence

import numpy as np
from panda3d.core import (
    Camera,
    FrameBufferProperties,
    GeomNode,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    GraphicsPipeSelection,
    Mat4,
    NodePath,
    PerspectiveLens,
    RenderAttrib,
    RenderState,
    SamplerState,
    TexGenAttrib,
    Texture,
    TextureStage,
    TransformState,
    WindowProperties,
    load_prc_file_data,
)

from simulator.contract import CameraPose, Marker, Person, Rendered
from simulator.rendering.camera import FIELD_OF_VIEW, NEAR, SIZE, panda_matrix, to_camera
from simulator.rendering.figures import Sunlight, figure_meshes
from simulator.rendering.markers import draw_markers
from simulator.rendering.meshes import join, to_geom
from simulator.rendering.scenery import FIRST_FIGURES, build_scenery, build_sky
from simulator.rendering.shade import ShadeMap
from simulator.world.city import City

log = logging.getLogger(__name__)

MODULES = {"software": "p3tinydisplay", "gl": "pandagl", "egl": "p3headlessgl"}
RENDERERS = ("auto", *MODULES)
FAR = 100.0  # m, of the depth image
MASK_FAR = 50.0  # m: QuadSim's mask cameras see no farther; people beyond are labelled background
CLASSES = ("background", "people", "hero")
SPAN = 400.0  # m of the depth ramp, more than a city is across: the software renderer cannot clamp textures
STEPS = 4096  # of the depth ramp
# Panda3D's software renderer takes its depth buffer for 1 / distance when it lays textures: right only if the far
# plane is at infinity.
FAR_PLANE = 1e6


class RendererError(RuntimeError):
    """No such renderer on this machine."""


class PandaRenderer:
    """Draws one city. See `simulator.contract.Renderer`.

    Args:
        city: what stands still.
        kind: "software", "gl" or "egl".
        far: metres of depth that are 255 in the depth image.

    Raises:
        RendererError: this machine has no such renderer.
    """

    def __init__(self, city: City, kind: str = "software", far: float = FAR):
        load_prc_file_data("", "audio-library-name null\nwindow-type none\nsync-video false")
        self._city, self._far = city, far
        self._engine = GraphicsEngine()
        self._engine.set_threading_model("")
        pipe = _open_pipe(kind)
        self._shade = ShadeMap(city)
        self._root = NodePath("world")
        scenery = build_scenery(city, self._shade)
        scenery.reparent_to(self._root)
        self._sky = build_sky(city)
        self._sky.reparent_to(self._root)
        self._figures = {name: self._root.attach_new_node(GeomNode(name)) for name in CLASSES[1:]}
        scenery.set_tag("class", "background")
        for order, (name, node) in enumerate(self._figures.items(), FIRST_FIGURES):
            node.set_tag("class", name)
            node.set_bin("fixed", order)
            node.node().set_final(True)
        self._cameras, self._textures = [], []
        host = None
        for name in ("picture", "code"):
            host = self._add_pass(pipe, name, host)
        self._engine.open_windows()

    def render(self, camera: CameraPose, people: Sequence[Person], markers: Sequence[Marker] = ()) -> Rendered:
        """Colour, depth and class mask of one view; markers appear in the colour only."""
        matrix = Mat4(*panda_matrix(camera).ravel().tolist())
        for node in self._cameras:
            node.set_mat(matrix)
        self._sky.set_pos(camera.x, camera.y, camera.z)
        self._place(camera, people)
        self._engine.render_frame()
        picture, code = (_pixels(texture) for texture in self._textures)
        steps = code[..., 2].astype(np.int32) * 16 + code[..., 1] // 16
        beyond = steps >= STEPS - 1
        metres = (steps + 0.5) * (SPAN / STEPS)
        depth = np.where(beyond, 255, np.minimum(np.round(metres * (255 / self._far)), 255)).astype(np.uint8)
        mask = np.zeros((SIZE, SIZE, 3), np.uint8)
        classes = np.where(metres < MASK_FAR, code[..., 0] // 100, 0)
        for index in range(len(CLASSES)):
            mask[..., index][classes == index] = 255
        rgb = np.ascontiguousarray(picture[..., 2::-1])
        if markers:
            rgb = draw_markers(rgb, np.where(beyond, np.inf, metres), camera, tuple(markers))
        return Rendered(rgb, depth, mask)

    def close(self) -> None:
        """Free the buffers and textures, which the engine would keep until the process ends."""
        self._engine.remove_all_windows()
        self._root.get_children().detach()
        self._root = self._sky = None
        self._figures, self._cameras, self._textures = {}, [], []
        for kept in (TransformState, RenderState, RenderAttrib):
            kept.garbage_collect()

    def _add_pass(self, pipe: GraphicsPipe, name: str, host: GraphicsOutput | None) -> GraphicsOutput:
        properties = FrameBufferProperties()
        properties.set_rgba_bits(8, 8, 8, 8)
        properties.set_depth_bits(24)
        size = WindowProperties.size(SIZE, SIZE)
        flags = GraphicsPipe.BF_refuse_window
        gsg = host.get_gsg() if host else None
        arguments = (gsg, host) if gsg else ()
        buffer = self._engine.make_output(pipe, name, 0, properties, size, flags, *arguments)
        if buffer is None:
            raise RendererError("this renderer cannot draw off screen here: use --renderer software")
        texture = Texture(name)
        buffer.add_render_texture(texture, GraphicsOutput.RTM_copy_ram, GraphicsOutput.RTP_color)
        buffer.set_clear_color((1, 1, 0, 1) if name == "code" else (0.7, 0.8, 0.9, 1))
        lens = PerspectiveLens()
        lens.set_fov(FIELD_OF_VIEW, FIELD_OF_VIEW)
        lens.set_near_far(NEAR, FAR_PLANE)
        node = Camera(name, lens)
        node.set_scene(self._root)
        if name == "code":
            node.set_tag_state_key("class")
            for index, of_class in enumerate(CLASSES):
                node.set_tag_state(of_class, _code_state(index))
            self._sky.hide(1 << 5)
            node.set_camera_mask(1 << 5)
        path = self._root.attach_new_node(node)
        buffer.make_display_region().set_camera(path)
        self._cameras.append(path)
        self._textures.append(texture)
        return buffer

    def _place(self, camera: CameraPose, people: Sequence[Person]) -> None:
        """Meshes of the people that the camera can see."""
        groups: dict[str, list] = {name: [] for name in self._figures}
        if people:
            spots = np.array([(person.x, person.y, person.z + 0.9) for person in people])
            ahead, left, up = to_camera(camera, spots).T
            seen = (ahead > -1.0) & (ahead < self._far + 1)
            seen &= np.maximum(np.abs(left), np.abs(up)) < np.maximum(ahead, 0) * np.tan(np.radians(30)) + 2.2
            lit, light = self._shade.lit(spots[:, :2]), self._city.light
            sunlight = Sunlight(light.towards, light.sun, light.ambient)
            for name, is_hero in (("people", False), ("hero", True)):
                rows = [row for row in np.flatnonzero(seen) if people[row].is_hero == is_hero]
                if rows:
                    groups[name] = figure_meshes([people[row] for row in rows], ahead[rows], lit[rows], sunlight)
        for name, meshes in groups.items():
            node = self._figures[name].node()
            node.remove_all_geoms()
            if meshes:
                node.add_geom(to_geom(join(meshes)))


def make_renderer(city: City, kind: str = "auto", far: float = FAR) -> PandaRenderer:
    """A renderer for a city. "auto" is the software renderer: no display, GPU or driver, the same pixels everywhere."""
    if kind not in RENDERERS:
        raise RendererError(f"expected a renderer out of {', '.join(RENDERERS)}, got {kind!r}")
    return PandaRenderer(city, "software" if kind == "auto" else kind, far)


def _open_pipe(kind: str) -> GraphicsPipe:
    selection, module = GraphicsPipeSelection.get_global_ptr(), MODULES[kind]
    # The off-screen kind, where it can be had, does not look for a display.
    pipe = selection.make_pipe("TinyOffscreenGraphicsPipe", module) if kind == "software" else None
    pipe = pipe or selection.make_module_pipe(module)
    if pipe is not None:
        return pipe
    if kind == "software":
        raise RendererError(
            "Panda3D's software renderer did not load: reinstall the panda3d package; "
            "on a bare Linux it also needs libX11 (Debian, Ubuntu: the package libx11-6)"
        )
    raise RendererError(f"the renderer {kind!r} is not available here: use --renderer software")


def _code_state(index: int):
    """Everything drawn as its depth (red, green) and its class (blue)."""
    step = np.arange(STEPS)
    ramp = np.zeros((1, STEPS, 4), np.uint8)  # blue, green, red, alpha
    ramp[..., 0], ramp[..., 1], ramp[..., 2], ramp[..., 3] = index * 100, step % 16 * 16, step // 16, 255
    texture = Texture("depth")
    texture.setup_2d_texture(STEPS, 1, Texture.T_unsigned_byte, Texture.F_rgba)
    texture.set_ram_image(ramp.tobytes())
    texture.set_wrap_u(SamplerState.WM_clamp)
    texture.set_wrap_v(SamplerState.WM_clamp)
    texture.set_minfilter(SamplerState.FT_nearest)
    texture.set_magfilter(SamplerState.FT_nearest)
    stage = TextureStage("depth")
    path = NodePath("state")
    path.set_texture_off(100)
    path.set_texture(stage, texture, 200)
    path.set_tex_gen(stage, TexGenAttrib.M_eye_position, 200)
    along = Mat4(*[0.0] * 16)
    along.set_cell(1, 0, 1 / SPAN)  # the eye looks along y
    along.set_cell(3, 3, 1.0)
    path.set_tex_transform(stage, TransformState.make_mat(along))
    path.set_color((1, 1, 1, 1), 200)
    path.set_light_off(200)
    return path.get_state()


def _pixels(texture: Texture) -> np.ndarray:
    """(256, 256, 4) uint8: blue, green, red, alpha, the top row first."""
    return np.frombuffer(texture.get_ram_image(), np.uint8).reshape(SIZE, SIZE, 4)[::-1]
