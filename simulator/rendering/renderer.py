"""The renderer: colour, depth and classes of one city, by Panda3D in software or on a GPU.

Two passes draw the same triangles. The colour pass draws the picture. The code pass is unlit and textured by depth: a
ramp over the distance along the optical axis, one ramp for each class, so that one readback gives depth and class of
every pixel. (Panda3D's software renderer does not give access to its depth buffer.)
"""

from collections.abc import Sequence

import cv2
import numpy as np
from panda3d import core

from simulator.geometry import FAR, FIELD_OF_VIEW, HALF_VIEW, IMAGE_SIZE, rotation, to_camera
from simulator.rendering.atmosphere import Atmosphere
from simulator.rendering.cast_shadows import shadow_mesh
from simulator.rendering.figures import figure_meshes
from simulator.rendering.ground_light import GroundLight
from simulator.rendering.meshes import to_geom
from simulator.rendering.scenery import FIRST_FIGURES, FIRST_SOLID, build_scenery, build_sky
from simulator.types import Image, Person, Pose, Rendered
from simulator.world.city import City

MODULES = {"auto": "p3tinydisplay", "software": "p3tinydisplay", "gl": "pandagl", "egl": "p3headlessgl"}
RENDERERS = tuple(MODULES)
CLASSES = ("background", "people", "hero")
MASK_FAR = 50.0  # m, range of QuadSim's mask cameras; people beyond it are labelled background
NEAR_PLANE = 0.15  # m
# When it maps textures, Panda3D's software renderer takes depth-buffer values for 1 / distance. That is right only if
# the far plane is at infinity.
FAR_PLANE = 1e6
RAMP_LENGTH = 400.0  # m, more than a city is across: the software renderer cannot clamp textures
RAMP_STEPS = 4096
METRES = (np.arange(RAMP_STEPS) + 0.5) * (RAMP_LENGTH / RAMP_STEPS)
DEPTH = np.minimum(np.round(METRES * (255 / FAR)), 255).astype(np.uint8)  # of each step, in the depth image
IN_MASK = METRES < MASK_FAR
SHADOW_MARGIN = 8.0  # m behind the camera, from where shadows can reach into view
CODE_CAMERA = 1 << 5  # camera mask


class RendererError(RuntimeError):
    """The requested renderer is not available on this machine."""


class Renderer:
    """Draws one city. The same calls give the same pixels.

    The kind is one of `RENDERERS`. "auto" is "software": it needs no display, GPU or driver and gives the same pixels
    everywhere. Raises RendererError for a kind that is unknown, or not available on this machine.
    """

    def __init__(self, city: City, kind: str = "auto"):
        core.load_prc_file_data("", "audio-library-name null\nwindow-type none\nsync-video false")
        self._city = city
        self._engine = core.GraphicsEngine()
        self._engine.set_threading_model("")
        pipe = _open_pipe(kind)
        self._ground = GroundLight(city)
        self._atmosphere = Atmosphere(city.light, METRES, city.seed)
        self._root = core.NodePath("world")
        scenery = build_scenery(city, self._ground)
        scenery.reparent_to(self._root)
        self._sky = build_sky(city)
        self._sky.reparent_to(self._root)
        self._figures = {name: self._root.attach_new_node(core.GeomNode(name)) for name in CLASSES[1:]}
        scenery.set_tag("class", "background")
        for order, (name, node) in enumerate(self._figures.items(), FIRST_FIGURES):
            node.set_tag("class", name)
            node.set_bin("fixed", order)
            node.node().set_final(True)
        self._shadows = self._root.attach_new_node(core.GeomNode("shadows"))
        self._shadows.set_bin("fixed", FIRST_SOLID - 1)  # on the ground, which is painted before
        self._shadows.set_depth_test(False)
        self._shadows.set_depth_write(False)
        self._shadows.set_transparency(core.TransparencyAttrib.M_alpha)
        self._shadows.node().set_final(True)
        self._cameras = self._root.attach_new_node("cameras")
        self._textures: list[core.Texture] = []
        host = self._add_pass(pipe, "colour", None)
        self._add_pass(pipe, "code", host)
        self._engine.open_windows()

    def render(self, camera: Pose, people: Sequence[Person], time: float = 0.0) -> Rendered:
        """Return the images of one view; the time, in seconds, chooses the drops of rain and the camera's noise."""
        forward, left, up = rotation(camera).T
        matrix = np.eye(4)  # for row vectors: Panda's camera has x to the right, y ahead and z up
        matrix[:3, :3], matrix[3, :3] = (-left, forward, up), camera.position
        self._cameras.set_mat(core.Mat4(*matrix.ravel().tolist()))
        self._sky.set_pos(*camera.position)
        self._place_figures(camera, people)
        self._engine.render_frame()
        colour, code = (_pixels(texture) for texture in self._textures)
        steps = code[..., 2].astype(np.int32) * 16 + code[..., 1] // 16
        classes = code[..., 0] // 100 * IN_MASK.take(steps)
        planes = [np.where(classes == index, np.uint8(255), np.uint8(0)) for index in range(len(CLASSES))]
        picture = np.ascontiguousarray(colour[..., 2::-1])
        return Rendered(
            self._atmosphere.apply(picture, steps, time), DEPTH.take(steps), np.asarray(cv2.merge(planes), np.uint8)
        )

    def close(self) -> None:
        """Free the buffers and textures, which the engine would keep until the process ends."""
        self._engine.remove_all_windows()
        self._root.get_children().detach()
        self._root = self._sky = self._shadows = self._cameras = None
        self._figures, self._textures = {}, []
        for cache in (core.TransformState, core.RenderState, core.RenderAttrib):
            cache.garbage_collect()

    def _add_pass(self, pipe: core.GraphicsPipe, name: str, host: core.GraphicsOutput | None) -> core.GraphicsOutput:
        """Add a buffer and its camera. `host` is the buffer whose graphics state it shares."""
        properties = core.FrameBufferProperties()
        properties.set_rgba_bits(8, 8, 8, 8)
        properties.set_depth_bits(24)
        size = core.WindowProperties.size(IMAGE_SIZE, IMAGE_SIZE)
        state = host.get_gsg() if host else None
        shared = (state, host) if state else ()
        buffer = self._engine.make_output(pipe, name, 0, properties, size, core.GraphicsPipe.BF_refuse_window, *shared)
        if buffer is None:
            raise RendererError("this renderer cannot draw off screen here: use --renderer software")
        texture = core.Texture(name)
        buffer.add_render_texture(texture, core.GraphicsOutput.RTM_copy_ram, core.GraphicsOutput.RTP_color)
        buffer.set_clear_color((1, 1, 0, 1) if name == "code" else (0.7, 0.8, 0.9, 1))
        lens = core.PerspectiveLens()
        lens.set_fov(FIELD_OF_VIEW, FIELD_OF_VIEW)
        lens.set_near_far(NEAR_PLANE, FAR_PLANE)
        node = core.Camera(name, lens)
        node.set_scene(self._root)
        if name == "code":
            node.set_tag_state_key("class")
            for index, class_name in enumerate(CLASSES):
                node.set_tag_state(class_name, _code_state(index))
            self._sky.hide(CODE_CAMERA)
            self._shadows.hide(CODE_CAMERA)
            node.set_camera_mask(CODE_CAMERA)
        buffer.make_display_region().set_camera(self._cameras.attach_new_node(node))
        self._textures.append(texture)
        return buffer

    def _place_figures(self, camera: Pose, people: Sequence[Person]) -> None:
        """Replace the meshes by those of the people that the camera can see."""
        middles = np.array([(person.x, person.y, person.z + 0.9) for person in people]).reshape(-1, 3)
        forward, left, up = to_camera(camera, middles).T
        in_view = (forward > -1.0) & (forward < FAR + 1)
        in_view &= np.maximum(np.abs(left), np.abs(up)) < np.maximum(forward, 0) * HALF_VIEW + 2.2
        sunlit = self._ground.sunlit_fraction(middles[:, :2])
        lamplight = self._ground.lamplight(middles[:, :2])
        is_target = np.array([person.is_target for person in people], bool)
        if self._city.light.people_cast_shadows:
            self._shadows.node().remove_all_geoms()
            if (rows := np.flatnonzero((forward > -SHADOW_MARGIN) & (forward < FAR))).size:
                walkers = [people[row] for row in rows.tolist()]
                self._shadows.node().add_geom(to_geom([shadow_mesh(walkers, sunlit[rows], self._city.light)]))
        for name, group in (("people", ~is_target), ("hero", is_target)):
            rows = np.flatnonzero(in_view & group)
            node = self._figures[name].node()
            node.remove_all_geoms()
            if rows.size:
                drawn = [people[row] for row in rows.tolist()]
                light = sunlit[rows], lamplight[rows], self._city.light
                node.add_geom(to_geom(figure_meshes(drawn, forward[rows], *light)))


def _open_pipe(kind: str) -> core.GraphicsPipe:
    if kind not in MODULES:
        raise RendererError(f"expected a renderer out of {', '.join(RENDERERS)}, got {kind!r}")
    selection, module = core.GraphicsPipeSelection.get_global_ptr(), MODULES[kind]
    software = kind in ("auto", "software")
    # The off-screen pipe, where it exists, does not look for a display.
    pipe = selection.make_pipe("TinyOffscreenGraphicsPipe", module) if software else None
    pipe = pipe or selection.make_module_pipe(module)
    if pipe is None and software:
        raise RendererError(
            "Panda3D's software renderer did not load: reinstall the panda3d package; "
            "on a bare Linux it also needs libX11 (Debian, Ubuntu: the package libx11-6)"
        )
    if pipe is None:
        raise RendererError(f"the renderer {kind!r} is not available here: use --renderer software")
    return pipe


def _code_state(index: int) -> core.RenderState:
    """Return the state that draws everything as its depth (red, green) and its class (blue)."""
    step = np.arange(RAMP_STEPS)
    ramp = np.zeros((1, RAMP_STEPS, 4), np.uint8)  # blue, green, red, alpha
    ramp[..., 0], ramp[..., 1], ramp[..., 2], ramp[..., 3] = index * 100, step % 16 * 16, step // 16, 255
    texture = core.Texture("depth")
    texture.setup_2d_texture(RAMP_STEPS, 1, core.Texture.T_unsigned_byte, core.Texture.F_rgba)
    texture.set_ram_image(ramp.tobytes())
    texture.set_wrap_u(core.SamplerState.WM_clamp)
    texture.set_wrap_v(core.SamplerState.WM_clamp)
    texture.set_minfilter(core.SamplerState.FT_nearest)
    texture.set_magfilter(core.SamplerState.FT_nearest)
    stage = core.TextureStage("depth")
    path = core.NodePath("state")
    path.set_texture_off(100)
    path.set_texture(stage, texture, 200)
    path.set_tex_gen(stage, core.TexGenAttrib.M_eye_position, 200)
    transform = core.Mat4(*[0.0] * 16)
    transform.set_cell(1, 0, 1 / RAMP_LENGTH)  # the eye looks along y
    transform.set_cell(3, 3, 1.0)
    path.set_tex_transform(stage, core.TransformState.make_mat(transform))
    path.set_color((1, 1, 1, 1), 200)
    path.set_light_off(200)
    return path.get_state()


def _pixels(texture: core.Texture) -> Image:
    """Return (256, 256, 4): blue, green, red, alpha; the top row first."""
    return np.frombuffer(texture.get_ram_image(), np.uint8).reshape(IMAGE_SIZE, IMAGE_SIZE, 4)[::-1]
