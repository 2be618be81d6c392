"""The program of 2017, as a baseline: its agent, and its server, which does everything inside the network's loop.

The agent's mistakes are reproduced: the centroid in the network's pixels is used on the 256-pixel depth image, row and
column are swapped in the back-projection, the focal length is taken for 256 pixels and `far` for 50 m, and a single
depth pixel determines the range. The socket server, the network and the message parsing are this project's; the way
they are called is the original's.
"""

import numpy as np
import socketio
from PIL import Image

from follower.detection import find_blobs
from follower.geometry import Camera
from follower.types import Command, Frame, ObjectDetected, ObjectLost, Point
from model.weights import load_model
from sim_bridge.address import bind, listen
from sim_bridge.settings import AsyncMode, BridgeSettings
from sim_bridge.transports import make_transport
from sim_bridge.wire.messages import command_to_event, parse_sensor_frame
from sim_bridge.wire.quadsim_dialect import DialectServer, Reply

THRESHOLD = 0.5
MIN_PIXELS = 10  # at the network's resolution
MAX_MISSED_FRAMES = 6
FOCAL_LENGTH = 256.0  # pixels; the camera's is 221.7
FAR = 50.0  # metres; the camera's is 100


class OriginalAgent:
    """Agent with the decisions of the original program."""

    def __init__(self) -> None:
        self._found = False
        self._missed_frames = 0

    def step(self, frame: Frame, probabilities: np.ndarray) -> tuple[Command, ...]:
        """Return the commands for one frame; probabilities: (rows, columns, 3) float32."""
        size = probabilities.shape[0], probabilities.shape[1]
        if (probabilities[..., 2] > THRESHOLD).sum() > MIN_PIXELS:
            largest = max(find_blobs(probabilities, size, THRESHOLD, 1.0), key=lambda blob: blob.detection.area)
            row, column = (int(value) for value in largest.detection.centroid)
            self._found, self._missed_frames = True, 0
            return (ObjectDetected(_back_project(frame, row, column)),)
        if self._found:
            self._missed_frames += 1
            if self._missed_frames > MAX_MISSED_FRAMES:
                self._found = False
                return (ObjectLost(),)
        return ()


def _back_project(frame: Frame, row: int, column: int) -> Point:
    assert frame.depth_image is not None, "the original program does not work without a depth image"
    depth = float(frame.depth_image[row, column]) * FAR / 255.0
    half = frame.depth_image.shape[0] / 2
    # Forward, left and up in the camera's axes, with row and column swapped.
    ray = np.array([1.0, -(row - half) / FOCAL_LENGTH, -(column - half) / FOCAL_LENGTH]) * depth
    camera = Camera(frame.gimbal_pose, frame.depth_image.shape[:2], vertical_fov=60.0, depth_far=FAR)
    x, y, z = (camera.position + camera.rotation @ ray).tolist()
    return (x, y, z)


class OriginalServer:
    """Server that decodes both images where they arrive, calls `model.predict`, and sends the commands."""

    def __init__(self, async_mode: AsyncMode, weights: str):
        loaded = load_model(weights)
        self._network, (rows, columns) = loaded.model, loaded.input_size
        self._size = columns, rows
        self._network.predict(np.zeros((1, rows, columns, 3), np.float32), verbose=0)
        self._agent = OriginalAgent()
        self._transport = make_transport(async_mode)
        self._sio = DialectServer(
            on_event=self._on_event,
            on_refused=lambda sid, client, reason: None,
            largest_message=BridgeSettings.largest_message,
            websocket=self._transport.websocket,
            async_mode=async_mode,
            max_http_buffer_size=2 * BridgeSettings.largest_message,
        )
        self._listener = bind("127.0.0.1", 0)
        self.port: int = self._listener.getsockname()[1]

    def listen(self) -> None:
        """Accept connections from now on."""
        listen(self._listener)

    def serve(self) -> None:
        """Serve until `stop`."""
        self._transport.serve(self._listener, socketio.WSGIApp(self._sio))

    def stop(self) -> None:
        """End `serve`; from any thread."""
        self._transport.stop()

    def _on_event(self, sid: str, event: str, arguments: tuple[object, ...], reply: Reply | None) -> None:
        frame = parse_sensor_frame(arguments, BridgeSettings.frame_size)
        image, _ = frame.image, frame.depth_image  # the original decodes the depth of every frame, needed or not
        if image.shape[1::-1] != self._size:
            image = np.asarray(Image.fromarray(image).resize(self._size, Image.Resampling.BILINEAR))
        probabilities = self._network.predict(image[None].astype(np.float32), verbose=0)[0]
        for command in self._agent.step(frame, probabilities):
            self._sio.emit(*command_to_event(command), to=sid)
        if reply is not None:
            reply({"outcome": "answered"})
