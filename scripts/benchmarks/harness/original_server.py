"""The server of 2017, as a baseline: it does everything inside the network's loop.

The socket server, the network and the message parsing are this project's; the way they are called is the original's.
"""

import numpy as np
import socketio
from PIL import Image

from gym_follow.agents.original import OriginalDecisions
from model.weights import load_model
from sim_bridge.address import bind, listen
from sim_bridge.settings import AsyncMode, BridgeSettings
from sim_bridge.transports import make_transport
from sim_bridge.wire.messages import command_to_event, parse_sensor_frame
from sim_bridge.wire.quadsim_dialect import DialectServer, Reply


class OriginalServer:
    """Server that decodes both images where they arrive, calls `model.predict`, and sends the commands."""

    def __init__(self, async_mode: AsyncMode, weights: str):
        loaded = load_model(weights)
        self._network, (rows, columns) = loaded.model, loaded.input_size
        self._size = columns, rows
        self._network.predict(np.zeros((1, rows, columns, 3), np.float32), verbose=0)
        self._agent = OriginalDecisions()
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
