"""The bridge: frames of connected simulators go to the worker, commands go back to the simulator they answer.

The connections' threads only parse and enqueue, so pings are answered at once, however long inference takes.
"""

import dataclasses
import itertools
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self
from wsgiref.types import WSGIEnvironment

import flask
import socketio
from werkzeug.middleware.proxy_fix import ProxyFix

from follower.agent import FollowAgent
from sim_bridge.access import refuse_other_sites
from sim_bridge.address import bind, listen
from sim_bridge.client_log import ClientLog
from sim_bridge.events import ProcessedFrame, Publisher, Subscriber
from sim_bridge.metrics import Metrics
from sim_bridge.session import FOLLOWER_ENDED, OperatorControls, Session
from sim_bridge.settings import BridgeSettings
from sim_bridge.transports import make_transport
from sim_bridge.wire.bad_frame import BadFrame
from sim_bridge.wire.handshake import refuse_other_protocols
from sim_bridge.wire.messages import command_to_event, parse_sensor_frame
from sim_bridge.wire.quadsim_dialect import DialectServer, Reply
from sim_bridge.wire.simulator_control import SIMULATOR_INFO, parse_simulator_info
from sim_bridge.worker import InferenceWorker, Job, Segmenter

SWITCH_SECONDS = 0.001  # the interpreter's thread switch interval

logger = logging.getLogger(__name__)
engine_logger = logging.getLogger(__name__ + ".engine")


class BridgeServer:
    """Follows the target for every simulator that connects, each with an agent of its own from `make_agent`.

    Call `serve`, or use it as a context manager to serve in the background (tests, benchmarks). A client that gives a
    `sensor_frame` an id (QuadSim never does) receives an acknowledgement once the frame has a result, after the
    commands: `{"outcome": "answered" | "skipped" | "refused" | "failed"}`. Lockstep needs it.

    `listener` is a socket from `address.bind`; without one the address of the settings is bound. Raises
    AddressError.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        make_agent: Callable[[], FollowAgent],
        settings: BridgeSettings,
        subscribers: Sequence[Subscriber] = (),
        listener: socket.socket | None = None,
    ) -> None:
        self.settings = settings
        self.app = flask.Flask(__name__)  # pages may be added before `serve`
        self.app.add_url_rule("/status", view_func=self.status)
        self._make_agent = make_agent
        self._sessions: dict[str, Session] = {}
        self._numbers = itertools.count(1)
        self._log = ClientLog(logger)
        self._transport = make_transport(settings.async_mode)
        self.call, self.offload = self._transport.call, self._transport.offload  # documented there; pages use them, too
        self._publisher = Publisher(subscribers)
        self._metrics = Metrics(lambda: self.sessions, lambda: self._publisher.dropped)
        self.app.add_url_rule("/metrics", "metrics", self._metrics.response)
        self._worker = InferenceWorker(segmenter, self._on_result)
        self.sio = DialectServer(  # other namespaces may be added before `serve`; "/" is for simulators
            on_event=self._on_event,
            on_refused=lambda sid, client, reason: self._refuse(self._sessions.get(sid or ""), reason, client=client),
            largest_message=settings.largest_message,
            websocket=self._transport.websocket,
            async_mode=settings.async_mode,
            ping_interval=settings.ping_interval,
            ping_timeout=settings.ping_timeout,
            max_http_buffer_size=max(32_000_000, 2 * settings.largest_message),
            logger=engine_logger,
            engineio_logger=engine_logger,
        )
        self.sio.on("connect", self._on_connect)
        self.sio.on("disconnect", self._on_disconnect)
        self._listener = listener or bind(settings.host, settings.port)
        self._thread = threading.Thread(target=self.serve, name="bridge", daemon=True)

    @property
    def sessions(self) -> list[Session]:
        """The simulators that are connected now."""
        return list(self._sessions.values())

    @property
    def port(self) -> int:
        """The port in use, which the settings may leave open (0)."""
        return int(self._listener.getsockname()[1])

    @property
    def local_host(self) -> str:
        """Host for clients on this machine, also where all of its addresses are listened on."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)

    @property
    def busy(self) -> bool:
        """Whether a frame is being processed: anything less urgent should wait."""
        return self._worker.busy

    def send_control(self, session: Session, event: str, payload: dict[str, Any]) -> None:
        """Send a control event to the built-in simulator; from any thread. Raises ValueError for any other."""
        if session.simulator_info is None:
            other = f"{session.name} is not the built-in simulator"
            raise ValueError(f"{other}: QuadSim closes the connection at unknown events")
        self.call(lambda: self._send(session, [(event, payload)]))

    def swap_model(self, segmenter: Segmenter, origin: Mapping[str, Any]) -> None:
        """Use another network from the next frame on; from any thread. `origin` describes it for subscribers."""
        self._worker.swap_model(segmenter, lambda: self._publisher.publish(Subscriber.model_changed, origin))

    def listen(self) -> None:
        """Let clients connect; `serve` answers them. Raises AddressError."""
        listen(self._listener)

    def serve(self) -> None:
        """Serve until `stop` or Ctrl-C, then close everything. Raises AddressError.

        Shortens the interpreter's thread switch interval: a frame passes through three threads (docs/architecture.md).
        """
        self.listen()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._worker.start()
        try:
            application = refuse_other_protocols(socketio.WSGIApp(self.sio, self.app), self._log.stranger_refused)
            if self.settings.trust_forwarded_for:
                application = ProxyFix(application, x_for=1, x_proto=0, x_host=0)
            self._transport.serve(self._listener, refuse_other_sites(application, self.settings.host))
        finally:
            self._worker.stop()
            for session in self.sessions:
                session.end_reason = FOLLOWER_ENDED
            self.sio.shut_down()
            self._listener.close()
            self._publisher.close()

    def stop(self) -> None:
        """End `serve`; from any thread."""
        self._transport.stop()

    def __enter__(self) -> Self:
        self.listen()  # here, so that clients may connect before the thread runs
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the `with` block's thread; wait at most ten seconds until subscribers have all events."""
        self.stop()
        self._thread.join(10)

    def status(self) -> dict[str, Any]:
        """Return the sessions and their counters as plain data; also served at /status."""
        sessions = [session.summary() for session in self.sessions]
        return {"sessions": sessions, "events_dropped": self._publisher.dropped}

    # On the connections' threads: nothing here may block.

    def _on_connect(self, sid: str, environ: WSGIEnvironment, auth: object = None) -> None:
        address = f"{environ.get('REMOTE_ADDR', '?')}:{environ.get('REMOTE_PORT', '?')}"
        session = Session(sid, next(self._numbers), address, OperatorControls(self._make_agent()))
        self._sessions[sid] = session
        self._metrics.count_connection()
        self._publisher.publish(Subscriber.connected, session)

    def _on_disconnect(self, sid: str, reason: str) -> None:
        session = self._sessions.pop(sid, None)
        if session is not None:
            session.connected = False
            self._worker.forget(session)
            self._publisher.publish(Subscriber.disconnected, session)

    def _on_event(self, sid: str, event: str, arguments: tuple[object, ...], reply: Reply | None) -> None:
        received = time.perf_counter()
        session = self._sessions.get(sid)
        if session is None:
            return
        try:
            if event == SIMULATOR_INFO:
                reply = None
                session.simulator_info = info = parse_simulator_info(arguments)
                session.controls.describe_simulator(info.search, info.motion, info.extent)
                return
            if event != "sensor_frame":
                raise BadFrame("unknown-event", f"expected sensor_frame, got the unknown event {event[:40]!r}")
            session.counts.received += 1
            session.last_frame = time.monotonic()
            self._end_predecessors(session)
            frame = parse_sensor_frame(arguments, self.settings.frame_size)
        except BadFrame as reason:
            self._refuse(session, reason, reply)
            return
        self._log.peculiarities(session, frame)
        self._worker.submit(Job(session, frame, received, reply))

    def _end_predecessors(self, session: Session) -> None:
        for other in self.sessions:
            if other.is_succeeded_by(session):
                other.end_reason = f"it sent no frames any more, and {session.name} came from the same machine"
                self.sio.end(other.sid)

    def _refuse(self, session: Session | None, reason: BadFrame, reply: Reply | None = None, client: str = "") -> None:
        self._log.refused(client if session is None else session.name, reason)
        if session is not None:
            session.counts.refused[reason.kind] += 1
            self._metrics.count_frame("refused")
            self._publisher.publish(Subscriber.refused, session, reason)
        self._acknowledge(reply, {"outcome": "refused", "kind": reason.kind, "reason": str(reason)})

    # On the worker's thread.

    def _on_result(self, job: Job, result: ProcessedFrame | Exception | None) -> None:
        counts = job.session.counts
        match result:
            case ProcessedFrame():
                self._answer(job, result)
            case None:  # a newer frame replaced it
                counts.skipped += 1
                self._metrics.count_frame("skipped")
                self._acknowledge(job.reply, {"outcome": "skipped"})
            case BadFrame():
                self._refuse(job.session, result, job.reply)
            case _:  # a bug in this program; the flight continues
                counts.failed += 1
                self._metrics.count_frame("failed")
                self._log.failed(job.session, result)
                reason = f"{type(result).__name__}: {result}"
                self._acknowledge(job.reply, {"outcome": "failed", "reason": reason})

    def _answer(self, job: Job, processed: ProcessedFrame) -> None:
        """Send the commands of a decision to the simulator that sent the frame."""
        session, reply = job.session, job.reply  # so that the queued call does not keep the frame in memory
        session.counts.answered += 1
        session.state = processed.decision.state
        events = []
        for command in processed.decision.commands:
            try:
                events.append(command_to_event(command))
            except ValueError as error:
                logger.error("%s: %s is not sent: %s", session.name, type(command).__name__, error)
        self.call(lambda: self._send(session, events, reply))
        seconds = time.perf_counter() - job.received
        self._metrics.count_answer(seconds)
        processed = dataclasses.replace(processed, timings={**processed.timings, "total": 1e3 * seconds})
        self._publisher.publish(Subscriber.frame_processed, session, processed)

    def _acknowledge(self, reply: Reply | None, answer: dict[str, Any]) -> None:
        if reply is not None:
            self.call(lambda: reply(answer))

    def _send(self, session: Session, events: Iterable[tuple[str, dict[str, Any]]], reply: Reply | None = None) -> None:
        if session.connected:
            for event, payload in events:
                self.sio.send_event(session.sid, event, payload, whole_numbers=session.decimal_commas)
            if reply is not None:
                reply({"outcome": "answered"})
