"""A C2W client of the tests' own, which shares no line with the programs under test: PROTOCOL.md sections 2 to 5."""

import itertools
import os
import socket
import time

clock = itertools.count(time.time_ns() // 1000)  # microseconds: strictly growing over all clients of a process (REL-03)
serial = itertools.count(1)
ANSWERS = {"CONNECTION": "CONNECTION", "USER_LIST": "USER_LIST", "MOVIE_LIST": "MOVIE_LIST", "ENTER_MOVIE": "ENTER_MOVIE",
           "LEAVE_SESSION": "LEAVE_SESSION", "SEND_MESSAGE": "NEW_MESSAGE"}


def new_name(stem="t"):
    return f"{stem}-{os.getpid()}-{next(serial)}"


class Client:
    """One endpoint; every response and NEW_MESSAGE is acked as it comes (REL-02)."""

    def __init__(self, address, transport="udp", name=None, timeout=10):
        host, _, port = address.rpartition(":")
        self.name, self.transport, self.timeout = name or new_name(), transport, timeout
        self.held, self.texts = b"", []
        family, kind, _, _, where = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)[0]
        self.socket = socket.socket(family, kind)
        self.socket.settimeout(timeout)
        self.socket.connect(where)
        if transport == "tcp":
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, command, data="", when=None, user=None):
        when = when or "%d.%06d" % divmod(next(clock), 1000000)
        octets = f"{when}: {command}|{self.name if user is None else user}|{data}\r\n".encode()
        self.socket.sendall(octets)
        return when, octets

    def receive(self):
        """The next message as (TIME, command, user, data). EOFError, TimeoutError."""
        while b"\r\n" not in self.held:
            octets = self.socket.recv(65536)
            if not octets:
                raise EOFError
            self.held += octets
        line, _, self.held = self.held.partition(b"\r\n")
        head, user, data = line.decode().split("|", 2)
        when, _, command = head.partition(": ")
        return when, command, user, data

    def ack(self, when, command, user):
        if command == "NEW_MESSAGE":
            self.send("NEW_MESSAGE_RESPONSE_ACK", user, when)
        else:
            family = next(name for name in ANSWERS if command.startswith(name))
            self.send(family + "_RESPONSE_ACK", "", when, user)

    def request(self, command, data=""):
        """Sends, repeats every second over UDP (REL-01), acks; returns (command, data) of the answer."""
        when, octets = self.send(command, data)
        family = ANSWERS[command.removesuffix("_REQUEST")]
        self.socket.settimeout(1 if self.transport == "udp" else self.timeout)
        end = time.monotonic() + self.timeout
        while True:
            try:
                answer = self.receive()
            except TimeoutError:
                if time.monotonic() > end:
                    raise
                self.socket.sendall(octets)
                continue
            self.ack(*answer[:3])
            if answer[1] == "NEW_MESSAGE":
                self.texts.append((answer[2], answer[3]))
            if answer[0] == when and answer[1].startswith(family):
                return answer[1], answer[3]

    def connect(self):
        answer = self.request("CONNECTION_REQUEST")
        assert answer[0] == "CONNECTION_GRANTED", answer
        return self

    def users(self):
        """{user: room}"""
        entries = self.request("USER_LIST_REQUEST")[1].split("|")
        return dict(entry.split(",", 1) for entry in entries)

    def movies(self):
        return self.request("MOVIE_LIST_REQUEST")[1].split("|")

    def leave(self):
        return self.request("LEAVE_SESSION_REQUEST")[0]


def others(address, transport="udp"):
    """Who is on the server besides the one who looks: {user: room}."""
    with Client(address, transport).connect() as client:
        users = client.users()
        assert users.pop(client.name) == "MAIN_ROOM"
        client.leave()
    return users
