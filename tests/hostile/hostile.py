#!/usr/bin/env python3
"""Servers that no client should meet: hostile.py MODE [N]. On UDP and TCP at one free port; prints `ready HOST:PORT`.

Each mode is a class below, named after what it does. Most behave at first: the naive server at the top answers every request
with the answer that the happy path wants, and knows nothing of errors, repetitions or acks.
"""

import asyncio
import random
import sys


class Naive:
    """Answers as if nothing could go wrong."""

    def __init__(self, count):
        self.count, self.requests, self.rooms, self.peers = count, 0, {}, {}

    def opened(self, peer):
        pass

    def received(self, peer, octets):
        for line in octets.split(b"\r\n"):
            if line.count(b"|") >= 2 and b": " in line:
                self.message(peer, line)

    def message(self, peer, line):
        head, user, data = line.split(b"|", 2)
        when, _, command = head.partition(b": ")
        if command.endswith(b"_REQUEST"):
            self.requests += 1
            self.request(peer, when, command.removesuffix(b"_REQUEST"), user, data)

    def request(self, peer, when, family, user, data):
        answer = lambda command, data=b"": self.answer(peer, b"%s: %s|%s|%s\r\n" % (when, command, user, data))
        if family == b"CONNECTION":
            self.rooms[user], self.peers[user] = b"MAIN_ROOM", peer
            answer(b"CONNECTION_GRANTED")
        elif family == b"USER_LIST":
            answer(b"USER_LIST_RESPONSE", b"|".join(b"%s,%s" % entry for entry in self.rooms.items()))
        elif family == b"MOVIE_LIST":
            answer(b"MOVIE_LIST_RESPONSE", b"Metropolis|Nosferatu|M")
        elif family == b"ENTER_MOVIE":
            self.rooms[user] = data
            answer(b"ENTER_MOVIE_GRANTED", b"127.0.0.1:5004")
        elif family == b"LEAVE_SESSION":
            if self.rooms.get(user, b"MAIN_ROOM") == b"MAIN_ROOM":
                self.rooms.pop(user, None)
            else:
                self.rooms[user] = b"MAIN_ROOM"
            answer(b"LEAVE_SESSION_GRANTED")
        elif family == b"SEND_MESSAGE":
            for other, room in self.rooms.items():
                if room == self.rooms.get(user):
                    self.answer(self.peers[other], b"%s: NEW_MESSAGE|%s|%s\r\n" % (when, user, data))

    def answer(self, peer, octets):
        peer.send(octets)


class Mute(Naive):
    """Reads, never answers."""

    def received(self, peer, octets):
        pass


class Echo(Naive):
    """Sends back what it gets."""

    def received(self, peer, octets):
        peer.send(octets)


class Garbage(Naive):
    """Answers each read with random octets."""

    def received(self, peer, octets):
        peer.send(random.randbytes(random.randint(1, 2000)))


class Nul(Naive):
    """Answers each read with a line of NULs."""

    def received(self, peer, octets):
        peer.send(bytes(500) + b"\r\n")


class Close(Naive):
    """Closes each connection at once; over UDP it is mute."""

    def opened(self, peer):
        peer.close()

    def received(self, peer, octets):
        pass


class Unread(Mute):
    """Accepts, and never reads."""

    def opened(self, peer):
        peer.pause()


class Flood(Naive):
    """Right answers, each drowned in a thousand messages that nobody asked for."""

    def answer(self, peer, octets):
        peer.send(octets)
        for number in range(1000):
            peer.send(b"1.0: NEW_MESSAGE|nobody|%d\r\n" % number)


class Utf8(Naive):
    """Puts octets that are no UTF-8 into every answer."""

    def answer(self, peer, octets):
        peer.send(octets.replace(b"\r\n", b"\xff\xfe\xc0\x80\r\n"))


class Terminal(Naive):
    """Puts terminal control sequences into every answer."""

    def answer(self, peer, octets):
        peer.send(octets.replace(b"\r\n", b"\x1b[2J\x1b]0;owned\x07\x1b[31m\xc2\x9b5m\x08\x08\r\n"))


class Endless(Naive):
    """Over TCP 100 MB without a CR LF; over UDP datagrams as long as they get, without one."""

    def received(self, peer, octets):
        if peer.stream:
            self.received = lambda peer, octets: None
            asyncio.ensure_future(self.pour(peer))
        else:
            peer.send(b"x" * 65000)

    async def pour(self, peer):
        for _ in range(1600):
            if not await peer.send_slowly(b"x" * 65536):
                break


class Dies(Naive):
    """Is gone after N requests."""

    def answer(self, peer, octets):
        if self.requests > self.count:
            sys.exit(0)
        super().answer(peer, octets)


class Silent(Naive):
    """Says nothing more after N requests."""

    def answer(self, peer, octets):
        if self.requests <= self.count:
            super().answer(peer, octets)


class Raves(Naive):
    """Answers nothing but garbage after N requests."""

    def answer(self, peer, octets):
        super().answer(peer, octets if self.requests <= self.count else random.randbytes(100))


class Crash(Naive):
    """Is gone as soon as it gets a message with the text "die"; says something before, on standard error."""

    def received(self, peer, octets):
        if b"|die" in octets:
            print("Segmentation fault \x1b[31m(not really)", file=sys.stderr, flush=True)
            sys.exit(139)
        super().received(peer, octets)


class DatagramPeer:
    stream = False

    def __init__(self, transport, address):
        self.transport, self.address = transport, address

    def send(self, octets):
        self.transport.sendto(octets, self.address)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, behaviour):
        self.behaviour = behaviour

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, octets, address):
        self.behaviour.received(DatagramPeer(self.transport, address), octets)


class StreamPeer(asyncio.Protocol):
    stream = True

    def __init__(self, behaviour):
        self.behaviour, self.writable = behaviour, asyncio.Event()
        self.writable.set()

    def connection_made(self, transport):
        self.transport = transport
        self.behaviour.opened(self)

    def connection_lost(self, _):
        self.writable.set()

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def data_received(self, octets):
        self.behaviour.received(self, octets)

    def send(self, octets):
        self.transport.write(octets)

    async def send_slowly(self, octets):
        self.transport.write(octets)
        await self.writable.wait()
        return not self.transport.is_closing()

    def close(self):
        self.transport.close()

    def pause(self):
        self.transport.pause_reading()


async def serve(behaviour, host, port):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: StreamPeer(behaviour), host, port)
    port = server.sockets[0].getsockname()[1]
    await loop.create_datagram_endpoint(lambda: Datagrams(behaviour), (host, port))
    print(f"ready {host}:{port}", flush=True)
    await server.serve_forever()


def main(mode, count="10", host="127.0.0.1", port="0"):
    behaviour = globals()[mode.capitalize()](int(count))
    try:
        asyncio.run(serve(behaviour, host, int(port)))
    except OSError as error:  # another one holds the port over UDP
        if int(port) == 0:
            return main(mode, count, host, port)
        sys.exit(f"hostile.py: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
