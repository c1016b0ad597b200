# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kind of character device behind the serial port."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import termios
import tty

import pytest

from qmpclient import QmpError
from test_qmp import free_port
from vm import SCALE, Stream


class SocketStream(Stream):
    """The guest's console on a socket."""

    def __init__(self, sock):
        self.sock = sock
        super().__init__(sock.fileno(), "socket")

    def send(self, data):
        self.sock.sendall(data)


def talks(stream):
    """The tiny guest echoes, both directions work."""
    stream.send(b"ping pong")
    stream.wait_for("ping pong")


def connect_to(vm, family, address):
    def attempt():
        sock = socket.socket(family)
        sock.connect(address)
        return sock
    return SocketStream(vm.connect(attempt))


def test_stdio(tiny):
    vm = tiny("e")
    vm.console.wait_for("tiny pvh")
    vm.send("typed text")
    vm.console.wait_for("typed text")


def test_stdio_by_chardev(tiny):
    vm = tiny("e", "-chardev", "stdio,id=s", "-serial", "chardev:s", serial=None)
    vm.console.wait_for("tiny pvh")
    vm.send("typed text")
    vm.console.wait_for("typed text")


@pytest.mark.parametrize("words", [["-nographic"], ["-serial", "mon:stdio"]])
def test_console_where_the_program_was_called(tiny, words):
    """Its keys are QEMU's: Ctrl-C goes to the guest, Ctrl-A is for the VMM."""
    vm = tiny("e", *words, serial=None)
    vm.console.wait_for("tiny pvh")
    vm.send("typed \x03 \x01\x01 text")
    vm.console.wait_for("typed \x03 \x01 text")
    vm.send("\x01h")
    vm.console.wait_for("C-a x +end the VM")
    vm.send("\x01c")
    vm.console.wait_for("there is no human monitor")
    vm.send("\x01x")
    assert vm.wait() == 0


@pytest.mark.parametrize("words", [["-nodefaults"], ["-serial", "null"], ["-serial", "none"]])
def test_no_console_where_another_is_meant(tiny, words):
    vm = tiny("hp", "-nographic", *words, serial=None)
    assert vm.wait() == 0
    assert "tiny" not in vm.console.text


def test_logfile(tiny, tmp_path):
    log = tmp_path / "log"
    log.write_text("before\n")
    tiny("hp", "-chardev", f"null,id=c,logfile={log},logappend=on", "-serial", "chardev:c",
         serial=None).wait()
    assert log.read_text().startswith("before\n")
    assert "tiny pvh" in log.read_text()
    tiny("hp", "-chardev", f"stdio,id=c,logfile={log}", "-serial", "chardev:c", serial=None).wait()
    assert log.read_text().startswith("tiny pvh")


def test_much_input_at_once_is_not_lost(tiny):
    """More than the FIFO holds: the device takes what it has room for."""
    text = "".join(f"{n:05d}" for n in range(400))
    vm = tiny("e")
    vm.console.wait_for("tiny pvh")
    vm.send(text)
    vm.console.wait_for(text)


def test_end_of_input_is_not_the_end_of_the_vm(tiny):
    vm = tiny("c", stdin=subprocess.DEVNULL)
    vm.console.wait_for("count 20")
    assert vm.qmp().execute("query-status")["running"] is True


@pytest.mark.parametrize("dialect", ["serial", "words", "chardev"])
def test_unix_server(tiny, tmp_path, dialect):
    path = str(tmp_path / "console")
    args = {"serial": ["-serial", f"unix:{path},server,nowait"],
            "words": ["-serial", f"socket,path={path},server,nowait"],
            "chardev": ["-chardev", f"socket,id=c,path={path},server=on,wait=off", "-serial",
                        "chardev:c"]}[dialect]
    vm = tiny("e", *args, serial=None)
    talks(connect_to(vm, socket.AF_UNIX, path))


def test_server_takes_the_next_client(tiny, tmp_path):
    path = str(tmp_path / "console")
    vm = tiny("e", "-chardev", f"socket,id=c,path={path},server=on,wait=off", "-serial",
              "chardev:c", serial=None)
    first = connect_to(vm, socket.AF_UNIX, path)
    talks(first)
    entry = [c for c in vm.qmp().execute("query-chardev") if c["label"] == "c"][0]
    assert entry["frontend-open"] is True
    first.sock.shutdown(socket.SHUT_RDWR)
    first.wait_end()
    talks(connect_to(vm, socket.AF_UNIX, path))


def test_unix_client(tiny, tmp_path):
    path = str(tmp_path / "console")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        tiny("e", "-chardev", f"socket,id=c,path={path}", "-serial", "chardev:c", serial=None)
        listener.settimeout(20)
        stream = SocketStream(listener.accept()[0])
    stream.wait_for("tiny pvh")
    talks(stream)


def test_tcp_server(tiny):
    port = free_port()
    vm = tiny("e", "-chardev", f"socket,id=c,host=127.0.0.1,port={port},server=on,wait=off",
              "-serial", "chardev:c", serial=None)
    talks(connect_to(vm, socket.AF_INET, ("127.0.0.1", port)))


def test_tcp_client(tiny):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        tiny("e", "-chardev", f"socket,id=c,host=127.0.0.1,port={port}", "-serial", "chardev:c",
             serial=None)
        listener.settimeout(20)
        stream = SocketStream(listener.accept()[0])
    stream.wait_for("tiny pvh")
    talks(stream)


def test_client_without_a_server_is_an_error(tiny, tmp_path):
    path = tmp_path / "nobody"
    vm = tiny("e", "-chardev", f"socket,id=c,path={path}", "-serial", "chardev:c", serial=None)
    assert vm.wait() == 1
    assert str(path) in vm.stderr.text


@pytest.mark.parametrize("args", [["-serial", "file:{}"], ["-serial", "file,path={}"],
                                  ["-chardev", "file,id=f,path={}", "-serial", "chardev:f"]])
def test_file(tiny, tmp_path, args):
    path = tmp_path / "out"
    vm = tiny("hp", *[word.format(path) for word in args], serial=None)
    assert vm.wait() == 0
    assert path.read_text().replace("\r", "").startswith("tiny pvh\nhello\n")


def test_file_that_may_not_grow(tiny, tmp_path):
    """At the limit of RLIMIT_FSIZE output is lost, the VM goes on."""
    path = tmp_path / "out"
    vm = tiny("c", "-serial", f"file:{path}", serial=None, prefix=["prlimit", "--fsize=100"])
    vm.stderr.wait_for("serial0.* is lost: File too large")
    assert vm.qmp().execute("query-status")["running"] is True
    assert path.stat().st_size == 100


def test_null(tiny):
    vm = tiny("hp", "-serial", "null", serial=None)
    assert vm.wait() == 0
    assert vm.console.text == ""


def test_pty(tiny):
    """The terminal's name is told on stderr and in query-chardev."""
    vm = tiny("e", "-serial", "pty", serial=None)
    client = vm.qmp()
    entry = [c for c in client.execute("query-chardev") if c["filename"].startswith("pty:")][0]
    path = entry["filename"][len("pty:"):]
    assert re.fullmatch(r"/dev/pts/\d+", path)
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    stream = Stream(fd, "pty")
    os.write(fd, b"ping pong")
    stream.wait_for("ping pong")
    told = vm.stderr.text + vm.console.text
    assert path in told
    client.execute("quit")
    assert vm.wait() == 0
    os.close(fd)


def read_line(fd):
    data = b""
    while not data.endswith(b"\n"):
        assert select.select([fd], [], [], 10 * SCALE)[0], data
        part = os.read(fd, 1)
        assert part, data
        data += part
    return json.loads(data)


def masters(pid):
    """What @pid has open of pseudo terminals; descriptors may go while they are looked at."""
    links = []
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(entry))
    return [link for link in links if link.endswith("ptmx")]


def test_monitor_on_a_pty(launch):
    """Whoever opens the terminal is greeted; one after the other, and what one did not read is not the next one's."""
    vm = launch("-chardev", "pty,id=c0", "-mon", "chardev=c0,mode=control", machine="none", memory=None,
                serial=None)
    path = vm.console.wait_for(r"redirected to (/dev/pts/\d+) \(label c0\)")[1]
    qmp = vm.qmp()
    for turn in range(3):
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        assert read_line(fd)["QMP"]["capabilities"] == []
        os.write(fd, b'{"execute": "query-status", "id": %d}\r' % turn)
        assert read_line(fd)["id"] == turn
        # The answer to this one is left behind.
        os.write(fd, b'{"execute": "query-name"}')
        os.close(fd)
        # Who comes before the main loop has noticed that the last one went takes that one's place.
        while len(masters(vm.pid)) > 1:
            qmp.execute("query-status")
    with pytest.raises(QmpError, match="c0"):
        qmp.execute("chardev-remove", {"id": "c0"})
    qmp.execute("quit")
    assert vm.wait() == 0


def test_pty_that_comes_later_leaves_standard_output_alone(tiny):
    """There the guest writes: it may be full, and nobody reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b" " * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    vm = tiny("c", stdout=writer)
    os.close(writer)
    client = vm.qmp()
    reply = client.execute("chardev-add", {"id": "p", "backend": {"type": "pty", "data": {}}})
    assert reply["pty"].startswith("/dev/pts/")
    assert client.execute("query-status")["running"] is True
    client.execute("quit")
    assert vm.wait() == 0
    os.close(reader)


class Terminal:
    """A pseudo terminal as the VMM's stdin and stdout."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self.stream = Stream(self.ours, "terminal")

    def now(self):
        return termios.tcgetattr(self.theirs)

    def close(self):
        os.close(self.theirs)
        os.close(self.ours)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.close()


def test_terminal_is_raw_while_it_runs_and_ctrl_a_x_quits(tiny, terminal):
    vm = tiny("e", stdin=terminal.theirs, stdout=terminal.theirs)
    terminal.stream.wait_for("tiny pvh")
    assert terminal.now() != terminal.before
    # Raw: Ctrl-C goes to the guest.
    os.write(terminal.ours, b"a\x03b")
    terminal.stream.wait_for("a\x03b")
    os.write(terminal.ours, b"\x01x")
    assert vm.wait() == 0
    assert terminal.now() == terminal.before


def test_ctrl_a_x_quits_though_the_guest_does_not_read(tiny, terminal):
    vm = tiny("c", stdin=terminal.theirs, stdout=terminal.theirs)
    terminal.stream.wait_for("tiny pvh")
    os.write(terminal.ours, b"is anybody there?\r\r\r")
    os.write(terminal.ours, b"\x01x")
    assert vm.wait() == 0
    assert terminal.now() == terminal.before


def test_ctrl_a_a_sends_ctrl_a(tiny, terminal):
    vm = tiny("e", stdin=terminal.theirs, stdout=terminal.theirs)
    terminal.stream.wait_for("tiny pvh")
    os.write(terminal.ours, b"1\x01\x012")
    terminal.stream.wait_for("1\x012|1\x01a2")
    assert vm.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGABRT, signal.SIGUSR1, signal.SIGUSR2,
                                    signal.SIGALRM, signal.SIGVTALRM, signal.SIGIO, signal.SIGPWR])
def test_terminal_is_restored_by_every_signal_that_ends_the_process(tiny, terminal, number):
    vm = tiny("e", stdin=terminal.theirs, stdout=terminal.theirs)
    terminal.stream.wait_for("tiny pvh")
    assert terminal.now() != terminal.before
    vm.process.send_signal(number)
    assert vm.wait() == -number
    assert terminal.now() == terminal.before


@pytest.mark.parametrize("how", ["power-off", "quit", "SIGTERM", "SIGINT", "SIGHUP", "error"])
def test_terminal_is_restored(tiny, terminal, how):
    args = ["-device", "no-such-device"] if how == "error" else []
    vm = tiny("ep", *args, stdin=terminal.theirs, stdout=terminal.theirs)
    if how != "error":
        terminal.stream.wait_for("tiny pvh")
        assert terminal.now() != terminal.before
    if how == "power-off":
        os.write(terminal.ours, b"q")
    elif how == "quit":
        vm.qmp().execute("quit")
    elif how.startswith("SIG"):
        vm.process.send_signal(getattr(signal, how))
    assert vm.wait() == (1 if how == "error" else 0)
    assert terminal.now() == terminal.before
