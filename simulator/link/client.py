"""The Socket.IO client, as QuadSim's: old dialect, websocket only. Keeps the link up; knows nothing of the world.

Seen on the wire of the real client: it never sends CONNECT ("40"), pings for itself and answers the server's pings,
sends text in fragments of 1016 bytes, takes leave with "41" and "1".
"""

import logging
import queue
import select
import socket
import threading
import time
from contextlib import suppress

import websocket

from simulator.link.wire import Command, CommandError, Control, parse_command

log = logging.getLogger(__name__)

FRAGMENT = 1016  # bytes
PING_EVERY = 0.33  # s
DEAD_AFTER = 10.0  # s: a server that says nothing for so long is given up
TAKEN_WITHIN = 2.0  # s: one that does not take a packet is given up sooner, since the world waits meanwhile
MAX_WAITING = 1000  # commands
BACK_OFF = (0.5, 1.0, 2.0, 4.0, 5.0)  # s between attempts, the last for ever


class Client:
    """A link to `ws://host:port` that is opened in the background, and again whenever it is lost.

    Without `controls` what only a stand-in knows is refused, as QuadSim does.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 4567, controls: bool = True):
        self._place = host, port
        self.address = f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"
        self.refused = 0  # messages that were not understood
        self.connections = 0  # so far
        self._controls = controls
        self._socket: socket.socket | None = None  # closed by the reader, at any moment
        self._sending = threading.Lock()
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._connected, self._closing = threading.Event(), threading.Event()
        self._heard = time.monotonic()
        self._reported = 0.0
        self._threads = [threading.Thread(target=loop, daemon=True) for loop in (self._keep_up, self._keep_pinging)]
        for thread in self._threads:
            thread.start()

    @property
    def connected(self) -> bool:
        """Whether the server has greeted and the link stands."""
        return self._connected.is_set()

    @property
    def silence(self) -> float:
        """Seconds since the server's last ping or pong (or since the start)."""
        return time.monotonic() - self._heard

    def wait_connected(self, timeout: float) -> bool:
        """Wait until the link stands, for at most `timeout` seconds."""
        return self._connected.wait(timeout)

    def next_command(self, timeout: float = 0.0) -> Command | None:
        """The oldest command not yet taken; waits up to `timeout` seconds for one."""
        try:
            return self._commands.get(block=timeout > 0, timeout=timeout)
        except queue.Empty:
            return None

    def send(self, text: str) -> bool:
        """Send one packet, fragmented as QuadSim does. False when there is no link or it breaks."""
        packet = fragments(text)
        with self._sending:  # a ping must not fall between two fragments
            if self._socket is None or not self.connected:
                return False
            try:
                _send_all(self._socket, packet, TAKEN_WITHIN)
            except OSError as error:
                log.debug("sending failed: %s", error)
                self._abort()  # wakes the reader, which reports and reconnects
                return False
        return True

    def close(self) -> None:
        """Take leave and stop."""
        self._closing.set()
        if self.send("41"):
            self.send("1")
        with self._sending:
            if self._socket is not None:
                self._abort()
        for thread in self._threads:
            thread.join(timeout=2.0)

    def _abort(self) -> None:
        with suppress(OSError):  # the other side has ended it already
            self._socket.shutdown(socket.SHUT_RDWR)

    def _keep_up(self) -> None:
        failures = 0
        while not self._closing.is_set():
            reason = self._connect_and_read()
            lost = self.connected
            self._connected.clear()
            if self._closing.is_set():
                return
            failures = 0 if lost else failures + 1
            if lost:
                log.warning("lost the server at %s (%s); trying to reach it again", self.address, reason)
            elif failures == 1:
                log.warning("no server at %s (%s); trying again until there is one", self.address, reason)
            self._closing.wait(BACK_OFF[min(failures, len(BACK_OFF) - 1)])

    def _connect_and_read(self) -> str:
        """One connection from beginning to end; returns why it ended."""
        try:
            connection = websocket.create_connection(
                f"{self.address}/socket.io/?EIO=4&transport=websocket",
                timeout=DEAD_AFTER,
                socket=self._reach(),
                suppress_origin=True,
                header=["User-Agent: websocket-sharp/1.0"],
            )
        except (OSError, ValueError, websocket.WebSocketException) as error:  # ValueError: no name of a machine
            return str(error)
        self._socket = connection.sock
        try:
            while text := connection.recv():
                if not self._take(text):
                    return "the server closed the session"
            return "the server closed the connection"
        except (OSError, websocket.WebSocketException) as error:
            return str(error) or type(error).__name__
        finally:
            with self._sending:
                self._socket = None
            connection.shutdown()

    def _reach(self) -> socket.socket:
        """A connection of our own: the library would ask the environment for a proxy, even to this machine."""
        connection = socket.create_connection(self._place, DEAD_AFTER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _take(self, packet: str | bytes) -> bool:
        """Handle one packet; False when it ends the session."""
        text = packet if isinstance(packet, str) else packet.decode(errors="replace")
        if text[0] in "23":  # its ping, or the answer to ours
            self._heard = time.monotonic()
            if text[0] == "2":
                self.send("3" + text[1:])
        elif text[0] == "0":
            self._heard = time.monotonic()
            self._connected.set()
            self.connections += 1
            log.info("connected to %s", self.address)
            self.send("2")
        elif text[0] == "1" or text == "41":
            return False
        elif text[0] != "6" and not text.startswith("40"):
            try:
                command = parse_command(text)
                if isinstance(command, Control) and not self._controls:
                    raise CommandError("there is nothing here that could be controlled")
                if self._commands.qsize() >= MAX_WAITING:
                    raise CommandError(f"{MAX_WAITING} commands are waiting already")
                self._commands.put(command)
            except CommandError as error:
                self._report(error)
        return True

    def _report(self, error: CommandError) -> None:
        """Say what was ignored, at most once a second."""
        self.refused += 1
        if time.monotonic() - self._reported > 1.0:
            self._reported = time.monotonic()
            log.warning("ignored a command: %s (%d so far)", error, self.refused)

    def _keep_pinging(self) -> None:
        while not self._closing.wait(PING_EVERY):
            self.send("2")


def _send_all(connection: socket.socket, data: bytes, seconds: float) -> None:
    """As `sendall`, in at most so many seconds, whatever the socket's own timeout, which is the reader's. OSError."""
    deadline = time.monotonic() + seconds
    while data:
        try:
            _, ready, _ = select.select([], [connection], [], max(0.0, deadline - time.monotonic()))
        except ValueError as error:  # a closed socket has no number to select
            raise ConnectionError("the connection is closed") from error
        if not ready:
            raise TimeoutError(f"{len(data)} bytes were not taken within {seconds:g} s")
        data = data[connection.send(data) :]


def fragments(text: str) -> bytes:
    """A packet as the frames of one websocket message, masked, each with at most FRAGMENT bytes of it."""
    data = text.encode()
    pieces = [data[start : start + FRAGMENT] for start in range(0, len(data), FRAGMENT)]
    frames = []
    for number, piece in enumerate(pieces):
        opcode = websocket.ABNF.OPCODE_CONT if number else websocket.ABNF.OPCODE_TEXT
        frames.append(websocket.ABNF.create_frame(piece, opcode, fin=int(number == len(pieces) - 1)).format())
    return b"".join(frames)
