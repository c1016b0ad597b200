# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small QMP client that is strict about the framing: one JSON object per line, ended by CR LF."""

import array
import collections
import json
import socket
import time

TIMEOUT = 20


class QmpError(Exception):
    """An error reply."""

    def __init__(self, error):
        super().__init__(f"{error['class']}: {error['desc']}")
        self.error_class = error["class"]
        self.desc = error["desc"]


class QmpClosed(Exception):
    """The server closed the connection."""


class QmpClient:
    """One connection. Events that arrive while a reply is awaited are kept in @events."""

    def __init__(self, sock, negotiate=False):
        self.sock = sock
        self.events = collections.deque()
        self._buffer = b""
        self._last_id = 0
        self.greeting = self.receive()
        if negotiate:
            self.execute("qmp_capabilities")

    @classmethod
    def connect(cls, address, **kwargs):
        """Connects to a path, or to a (host, port) pair."""
        sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        sock.connect(address)
        return cls(sock, **kwargs)

    def close(self):
        self.sock.close()

    def send_raw(self, data, fds=()):
        """Sends bytes as they are, file descriptors with them."""
        if fds:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            self.sock.sendmsg([data], rights)
        else:
            self.sock.sendall(data)

    def receive(self, timeout=TIMEOUT):
        """The next message, whatever it is."""
        limit = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            self.sock.settimeout(max(limit - time.monotonic(), 0.001))
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                raise TimeoutError(f"no QMP message in {timeout} s, got {self._buffer!r}") from None
            except ConnectionResetError:
                data = b""
            if not data:
                raise QmpClosed(self._buffer)
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        assert line.endswith(b"\r"), f"message is not ended by CR LF: {line!r}"
        message = json.loads(line)
        assert isinstance(message, dict)
        return message

    def reply(self, timeout=TIMEOUT):
        """The next message that is no event."""
        while True:
            message = self.receive(timeout)
            if "event" not in message:
                return message
            self.events.append(message)

    def send(self, command, arguments=None, ident=None, fds=()):
        message = {"execute": command}
        if arguments is not None:
            message["arguments"] = arguments
        if ident is not None:
            message["id"] = ident
        self.send_raw(json.dumps(message).encode() + b"\r\n", fds)

    def execute(self, command, arguments=None, fds=(), timeout=TIMEOUT):
        """Runs a command and returns what its "return" holds; raises QmpError."""
        self._last_id += 1
        self.send(command, arguments, self._last_id, fds)
        reply = self.reply(timeout)
        assert reply.get("id") == self._last_id, reply
        if "error" in reply:
            raise QmpError(reply["error"])
        return reply["return"]

    def wait_event(self, *names, timeout=TIMEOUT):
        """The next event of one of the names, from those kept or those to come; drops others."""
        limit = time.monotonic() + timeout
        while True:
            while self.events:
                event = self.events.popleft()
                if event["event"] in names:
                    return event
            message = self.receive(max(limit - time.monotonic(), 0.001))
            assert "event" in message, f"a reply that nobody asked for: {message}"
            self.events.append(message)

    def at_end(self, timeout=TIMEOUT):
        """Reads on until the server closes; returns the messages that came before."""
        messages = list(self.events)
        try:
            while True:
                messages.append(self.receive(timeout))
        except QmpClosed as closed:
            assert closed.args[0] == b"", "half a message before the end"
            return messages
