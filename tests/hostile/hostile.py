#!/usr/bin/env python3
"""Servers that no client should meet: hostile.py MODE [N [HOST PORT [RIGHT]]]. On UDP and TCP at that port; prints `ready HOST:PORT`.

Each mode is a class below, named after what it does. Most behave at first: the naive server at the top answers every request
with the answer that the happy path wants, and knows nothing of errors, repetitions or acks. With RIGHT, the address of a server,
the first N messages go there, and its answers back: after them it turns into what MODE says.
"""

import asyncio
import random
import socket
import sys


class Naive:
    """Answers as if nothing could go wrong."""

    def __init__(self, count):
        self.count, self.requests, self.rooms, self.peers = count, 0, {}, {}

    def opened(self, peer):
        pass

    def closed(self, peer):
        pass

    def overheard(self, octets):
        """What a right server said, before the turn."""

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


class Fixed(Naive):
    """Answers each read with one and the same message."""

    def received(self, peer, octets):
        peer.send(b"1.0: CONNECTION_GRANTED|alice|\r\n")


class Granting(Naive):
    """Says yes to every request, and remembers nothing."""

    DATA = {b"USER_LIST": b"alice,MAIN_ROOM", b"MOVIE_LIST": b"Metropolis|M", b"ENTER_MOVIE": b"127.0.0.1:5004"}
    SUFFIX = {b"USER_LIST": b"USER_LIST_RESPONSE", b"MOVIE_LIST": b"MOVIE_LIST_RESPONSE", b"SEND_MESSAGE": b"NEW_MESSAGE"}

    def request(self, peer, when, family, user, data):
        command, data = self.SUFFIX.get(family, family + b"_GRANTED"), self.DATA.get(family, b"")
        self.answer(peer, b"%s: %s|%s|%s\r\n" % (when, command, user, data))


class Replay(Naive):
    """Answers as a right server answered such a request before, TIME and all."""

    def __init__(self, count):
        super().__init__(count)
        self.recorded = {
            b"CONNECTION": b"10.0: CONNECTION_GRANTED|alice|\r\n", b"USER_LIST": b"11.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\r\n",
            b"MOVIE_LIST": b"12.0: MOVIE_LIST_RESPONSE|alice|Metropolis|M\r\n", b"ENTER_MOVIE": b"13.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004\r\n",
            b"SEND_MESSAGE": b"14.0: NEW_MESSAGE|alice|hi\r\n", b"LEAVE_SESSION": b"15.0: LEAVE_SESSION_GRANTED|alice|\r\n",
        }

    def overheard(self, octets):
        for line in octets.split(b"\r\n")[:-1]:
            command = line.partition(b": ")[2].partition(b"|")[0].replace(b"NEW_MESSAGE", b"SEND_MESSAGE")
            for family in self.recorded:
                if command.startswith(family):
                    self.recorded[family] = line + b"\r\n"

    def request(self, peer, when, family, user, data):
        if family in self.recorded:
            self.answer(peer, self.recorded[family])


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


class Hangs(Naive):
    """Answers nobody any more once it got a message with the text "die"; the process stays."""

    hung = False

    def received(self, peer, octets):
        self.hung = self.hung or b"|die" in octets
        if not self.hung:
            super().received(peer, octets)


class Turning:
    """A right server for N messages, which go to the one at `address`; then another one of the above."""

    def __init__(self, then, count, address):
        host, _, port = address.rpartition(":")
        self.then, self.left, self.address, self.links = then, count, (host, int(port)), {}

    def opened(self, peer):
        if self.left <= 0:
            self.then.opened(peer)

    def closed(self, peer):
        link = self.links.pop(peer.key, None)
        if link:
            asyncio.get_running_loop().remove_reader(link)
            link.close()

    def received(self, peer, octets):
        if self.left <= 0:
            self.then.received(peer, octets)
            return
        self.left -= octets.count(b"\r\n") or 1
        if peer.key not in self.links:
            link = self.links[peer.key] = socket.socket(socket.AF_INET, socket.SOCK_STREAM if peer.stream else socket.SOCK_DGRAM)
            link.connect(self.address)
            asyncio.get_running_loop().add_reader(link, self.answered, peer, link)
        self.links[peer.key].sendall(octets)

    def answered(self, peer, link):
        octets = link.recv(65536)
        if self.left > 0 and octets:
            self.then.overheard(octets)
            peer.send(octets)
        elif peer.stream and not octets:
            self.closed(peer)
            peer.close()


class DatagramPeer:
    stream = False

    def __init__(self, transport, address):
        self.transport, self.address, self.key = transport, address, address

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
        self.behaviour, self.writable, self.key = behaviour, asyncio.Event(), self
        self.writable.set()

    def connection_made(self, transport):
        self.transport = transport
        self.behaviour.opened(self)

    def connection_lost(self, _):
        self.writable.set()
        self.behaviour.closed(self)

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


def main(mode, count="10", host="127.0.0.1", port="0", right=None):
    behaviour = globals()[mode.capitalize()](int(count))
    if right:
        behaviour = Turning(behaviour, int(count), right)
    try:
        asyncio.run(serve(behaviour, host, int(port)))
    except OSError as error:  # another one holds the port over UDP
        if int(port) == 0:
            return main(mode, count, host, port, right)
        sys.exit(f"hostile.py: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
