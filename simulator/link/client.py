"""Socket.IO client that behaves like QuadSim's: old dialect, websocket only. Reconnects by itself.

As captured from the real client: it never sends CONNECT ("40"), sends pings and answers the server's, sends text in
fragments of 1016 bytes, each written on its own with Nagle's algorithm on, and disconnects with "41" and "1".
"""

import logging
import queue
import socket
import threading
import time
from contextlib import suppress

import websocket

from config.hosts import host_in_url
from simulator.link.commands import CONTROLS, Command, CommandError, parse_command

log = logging.getLogger(__name__)

FRAGMENT_SIZE = 1016  # bytes
PING_INTERVAL = 0.33  # s
RECEIVE_TIMEOUT = 10.0  # s without any message, after which the connection counts as lost
SEND_TIMEOUT = 2.0  # s: shorter, since the simulation waits meanwhile
MAX_QUEUED_COMMANDS = 1000
BACK_OFF = (0.5, 1.0, 2.0, 4.0, 5.0)  # s between attempts, the last one repeated


class Client:
    """Connection to `ws://host:port` that is opened in the background, and again whenever it is lost.

    Without `accept_controls`, commands that are not part of QuadSim are rejected, as QuadSim rejects them. With
    `no_delay` Nagle's algorithm is off and a packet is written in one piece, as other clients do it.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 4567, accept_controls: bool = True, no_delay: bool = False
    ) -> None:
        self._endpoint = host, port
        self.address = f"ws://{host_in_url(host)}:{port}"
        self.rejected = 0  # messages that are not commands
        self.connections = 0  # so far
        self._accept_controls, self._no_delay = accept_controls, no_delay
        self._socket: socket.socket | None = None  # for sending: a duplicate, with a timeout of its own
        self._sending = threading.Lock()
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._connected, self._closing = threading.Event(), threading.Event()
        self._last_ping = time.monotonic()
        self._last_report = 0.0
        self._threads = [
            threading.Thread(target=loop, daemon=True) for loop in (self._keep_connected, self._keep_pinging)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def connected(self) -> bool:
        """Whether the connection is up and the server has opened the session."""
        return self._connected.is_set()

    @property
    def silence(self) -> float:
        """Seconds since the server's last ping or pong (or since the start)."""
        return time.monotonic() - self._last_ping

    def wait_connected(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the connection; return whether it is up."""
        return self._connected.wait(timeout)

    def next_command(self, timeout: float = 0.0) -> Command | None:
        """Return the oldest unread command, waiting up to `timeout` seconds; None if there is none."""
        try:
            return self._commands.get(block=timeout > 0, timeout=timeout)
        except queue.Empty:
            return None

    def send(self, text: str) -> bool:
        """Send one packet, fragmented as QuadSim does; return False if there is no connection or it breaks."""
        return self.send_fragments(fragments(text))

    def send_fragments(self, pieces: list[bytes]) -> bool:
        """Send one packet as `send` does, whose `fragments` were made beforehand."""
        if self._no_delay:
            pieces = [b"".join(pieces)]
        with self._sending:  # a ping must not fall between two fragments
            if self._socket is None or not self.connected:
                return False
            try:
                for piece in pieces:
                    self._socket.sendall(piece)
            except OSError as error:
                log.debug("sending failed: %s", error)
                self._abort()  # wakes the reader, which reports and reconnects
                return False
            except BaseException:  # Ctrl-C between two fragments: nothing may follow on this connection
                self._abort()
                raise
        return True

    def close(self) -> None:
        """Disconnect and stop."""
        self._closing.set()
        if self.send("41"):
            self.send("1")
        with self._sending:
            self._abort()
        for thread in self._threads:
            thread.join(timeout=2.0)

    def _abort(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # the other side has closed it already
                self._socket.shutdown(socket.SHUT_RDWR)

    def _keep_connected(self) -> None:
        failures = 0
        while not self._closing.is_set():
            reason = self._connect_and_read()
            lost = self.connected
            self._connected.clear()
            if self._closing.is_set():
                return
            failures = 0 if lost else failures + 1
            if lost:
                log.warning("lost the server at %s (%s); reconnecting", self.address, reason)
            elif failures == 1:
                log.warning("no server at %s (%s); retrying until there is one", self.address, reason)
            self._closing.wait(BACK_OFF[min(failures, len(BACK_OFF) - 1)])

    def _connect_and_read(self) -> str:
        """Serve one connection from beginning to end; return the reason for its end."""
        try:
            connection = websocket.create_connection(
                f"{self.address}/socket.io/?EIO=4&transport=websocket",
                timeout=RECEIVE_TIMEOUT,
                socket=self._open_socket(),
                suppress_origin=True,
                header=["User-Agent: websocket-sharp/1.0"],
            )
        except (OSError, ValueError, websocket.WebSocketException) as error:  # ValueError: not a valid host name
            return str(error)
        self._socket = connection.sock.dup()
        self._socket.settimeout(SEND_TIMEOUT)
        try:
            while text := connection.recv():
                if not self._handle(text):
                    return "the server closed the session"
            return "the server closed the connection"
        except (OSError, websocket.WebSocketException) as error:
            return str(error) or type(error).__name__
        finally:
            with self._sending:
                self._socket.close()
                self._socket = None
            connection.shutdown()

    def _open_socket(self) -> socket.socket:
        """Open the socket here: the library would use a proxy of the environment, even to this machine."""
        connection = socket.create_connection(self._endpoint, RECEIVE_TIMEOUT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(self._no_delay))
        return connection

    def _handle(self, packet: str | bytes) -> bool:
        """Handle one packet; return False if it ends the session."""
        text = packet if isinstance(packet, str) else packet.decode(errors="replace")
        if text[0] in "23":  # its ping, or the answer to ours
            self._last_ping = time.monotonic()
            if text[0] == "2":
                self.send("3" + text[1:])
        elif text[0] == "0":
            self._last_ping = time.monotonic()
            self._connected.set()
            self.connections += 1
            log.info("connected to %s", self.address)
            self.send("2")
        elif text[0] == "1" or text == "41":
            return False
        elif text[0] != "6" and not text.startswith("40"):
            try:
                command = parse_command(text)
                if command.name in CONTROLS and not self._accept_controls:
                    raise CommandError("this simulator cannot be controlled")
                if self._commands.qsize() >= MAX_QUEUED_COMMANDS:
                    raise CommandError(f"{MAX_QUEUED_COMMANDS} commands are queued already")
                self._commands.put(command)
            except CommandError as error:
                self.rejected += 1
                if time.monotonic() - self._last_report > 1.0:
                    self._last_report = time.monotonic()
                    log.warning("ignored a command: %s (%d so far)", error, self.rejected)
        return True

    def _keep_pinging(self) -> None:
        while not self._closing.wait(PING_INTERVAL):
            self.send("2")


def fragments(text: str) -> list[bytes]:
    """Return a packet as the masked frames of one websocket message, each with at most FRAGMENT_SIZE bytes."""
    data = text.encode()
    frames = []
    for start in range(0, len(data), FRAGMENT_SIZE):
        end, opcode = start + FRAGMENT_SIZE, websocket.ABNF.OPCODE_CONT if start else websocket.ABNF.OPCODE_TEXT
        frames.append(websocket.ABNF.create_frame(data[start:end], opcode, fin=int(end >= len(data))).format())
    return frames
