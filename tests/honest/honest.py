"""A right server that somebody else wrote, from PROTOCOL.md alone: where it leaves a choice, this one takes the one it is told.

honest.py HOST:PORT [CHOICE=VALUE ...]; CHOICES below says what there is, and the rule that allows it.
"""

import asyncio
import collections
import os
import random
import re
import socket
import struct
import sys

CHOICES = {
    "order": "join",  # of lists: join, reverse, random (LST-01, LST-02)
    "deliver": "join",  # in which order recipients are served: join, reverse, random (MSG-01)
    "early": 1.0,  # seconds to the odd transmissions (REL-05)
    "late": 1.0,  # and to the even ones
    "copy": 0,  # repetitions of an acked request are answered with a copy (REL-11)
    "again": 0,  # TCP, no session: a repetition gets its response again (REL-12)
    "author": 1,  # an ack of a text needs its author (REL-10, a SHOULD)
    "queue": 1,  # what waits is dropped when its reader moves (MSG-08, a SHOULD)
    "sent": 1,  # what was sent is repeated although its reader has moved (MSG-08)
    "delay": 0.0,  # before a request is processed (REL-17)
    "pause": 0.0,  # after an ack, before the next text is sent (REL-14)
    "write": "whole",  # TCP: whole, pieces (3 octets a segment), joined (what 20 ms bring in one) (TRN-03)
    "reason": "plain",  # of errors: plain, empty, odd, long (section 3)
    "close": "fin",  # of a peer who says too much: fin, reset (TRN-05)
    "memory": 4096,  # endpoints without a session (ROB-04)
    "idle": 0,  # TCP without a session is closed after so many seconds (ROB-04)
    "stream": "192.0.2.7:5004",  # ENT-06
    "titles": "some",  # some, odd, long
    "queue_of": 512,  # connections, before they are accepted: the argument of listen()
    "leftover": 0,  # no choice: an answer to whoever had the port before comes once more
    "backlog": 1 << 20,  # down to a quarter (ROB-03)
}
TITLES = {
    "some": [b"Metropolis", b"M", b"Nosferatu", b"The General"],
    "odd": [b"a, b", b",", b" ", b"main_room", "Le Voyage dans la Lune \u00e9\u4e2d".encode(), b": x", b"MAIN_ROOM2", b"m", b"M", b"M ", b" M"],
    "long": [b"%02d" % i + b"x" * 62 for i in range(20)],
}
RETRANSMITS, LONGEST, LONGEST_TEXT, MOST_USERS = 3, 4096, 1024, 600
MESSAGE = re.compile(rb"([0-9]{1,10}(?:\.[0-9]{1,6})?): ([A-Z0-9_]{1,64})\|([^\0\r\n|]{0,255})\|([^\0\r\n]*)\r\n")
NAME = re.compile(rb"[A-Za-z0-9._-]{1,32}")
ACK = b"_RESPONSE_ACK"
ACKS = {family: family + (b"_ACK" if family.endswith(b"RESPONSE") else ACK)
        for family in (b"CONNECTION", b"USER_LIST", b"MOVIE_LIST", b"ENTER_MOVIE", b"LEAVE_SESSION", b"NEW_MESSAGE")}
FAMILIES = {ack: family for family, ack in ACKS.items()}
choose = dict(CHOICES)
dice = random.Random(22)


class Message:
    """What came, if it matches the grammar."""

    def __init__(self, match):
        self.time, self.command, self.user, self.data = match.groups()
        seconds, _, fraction = self.time.partition(b".")
        self.microseconds = int(seconds) * 1000000 + int(fraction.ljust(6, b"0"))
        self.key = self.command, self.microseconds, self.user


def parse(octets):
    match = MESSAGE.fullmatch(octets)
    try:
        octets.decode()
    except UnicodeDecodeError:
        return None
    return Message(match) if match else None


class Sending:
    """A response or a NEW_MESSAGE on its way to one endpoint, until it is acked."""

    def __init__(self, endpoint, family, request, octets, user):
        self.endpoint, self.family, self.octets, self.user = endpoint, family, octets, user
        self.microseconds, self.author = request.microseconds, request.user
        self.transmissions, self.acked, self.timer = 0, False, None

    def stop(self):
        if self.timer:
            self.timer.cancel()
        self.timer = None


class Endpoint:
    """A peer's address and port, or its connection: what the server knows of it."""

    udp = False

    def __init__(self, server):
        self.server = server
        self.last = None  # of the requests that were processed: its key
        self.forget_session()

    def forget_session(self):
        self.user = self.room = None  # room: None is MAIN_ROOM
        self.response = getattr(self, "response", None)
        if self.response:
            self.response.stop()
        if getattr(self, "text", None):
            self.text.stop()
        self.text, self.texts, self.waiting = None, collections.deque(), 0


class Peer(Endpoint):
    udp = True

    def __init__(self, server, address):
        super().__init__(server)
        self.address = address
        if choose["leftover"]:
            self.send(b"7.5: CONNECTION_GRANTED|carol-zzzzz9|\r\n")

    def send(self, octets):
        try:
            self.server.socket.sendto(octets, self.address)
        except OSError:
            pass

    def forget(self):
        if self.server.peers.get(self.address) is self:
            del self.server.peers[self.address]


class Connection(Endpoint, asyncio.Protocol):
    def __init__(self, server):
        super().__init__(server)
        self.input, self.output, self.open, self.joining, self.idle = bytearray(), bytearray(), False, None, None

    def connection_made(self, transport):
        self.transport, self.open = transport, True
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.watch()

    def watch(self):
        if choose["idle"]:
            if self.idle:
                self.idle.cancel()
            self.idle = self.server.loop.call_later(choose["idle"], self.silent)

    def silent(self):
        if self.user is None:
            self.transport.close()
        else:
            self.watch()

    def send(self, octets):
        if not self.open:
            return
        if choose["write"] == "pieces":
            size = max(3, len(octets) // 8)
            for at in range(0, len(octets), size):
                self.transport.write(octets[at:at + size])
        elif choose["write"] == "joined":
            self.output += octets
            self.joining = self.joining or self.server.loop.call_later(0.02, self.flush)
        else:
            self.transport.write(octets)
        if self.transport.get_write_buffer_size() + len(self.output) > choose["backlog"]:
            self.end(reset=True)

    def flush(self):
        if self.joining:
            self.joining.cancel()
        self.joining = None
        if self.open:
            self.transport.write(bytes(self.output))
        self.output.clear()

    def data_received(self, data):
        self.watch()
        self.input += data
        while self.open:
            end = self.input.find(b"\r\n")
            length = end + 2 if end >= 0 else len(self.input)
            if length > LONGEST or (end < 0 and length == LONGEST):
                self.end(choose["close"] == "reset")
            elif end < 0:
                break
            else:
                line = bytes(self.input[:length])
                del self.input[:length]
                self.server.receive(self, line)

    def end(self, reset):
        self.flush()
        self.open = False
        self.server.end(self)
        if reset:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()

    def eof_received(self):
        self.server.hurry(self)
        self.flush()
        self.open = False
        self.server.end(self)

    def connection_lost(self, _):
        self.open = False
        self.server.end(self)
        if self.idle:
            self.idle.cancel()

    def forget(self):
        pass


class Server:
    def __init__(self, loop, titles):
        self.loop, self.titles = loop, titles
        self.peers = {}  # by address, the oldest first
        self.users = {}  # endpoints by name
        self.delayed = collections.deque()
        self.socket = None

    # ---- what comes

    def readable(self):
        for _ in range(200):
            try:
                octets, address = self.socket.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError:
                continue
            if len(octets) <= LONGEST:
                self.receive(address, octets)

    def receive(self, source, octets):
        message = parse(octets)
        if message is None:
            return
        if message.command in FAMILIES:
            self.ack(source, message)
        elif message.command in REQUESTS:
            if not choose["delay"]:
                self.request(source, message)
                return
            self.delayed.append((source, message))
            self.loop.call_later(choose["delay"], self.next_delayed)

    def next_delayed(self):
        if self.delayed:
            self.request(*self.delayed.popleft())

    def hurry(self, connection):
        mine = [pair for pair in self.delayed if pair[0] is connection]
        self.delayed = collections.deque(pair for pair in self.delayed if pair[0] is not connection)
        for pair in mine:
            self.request(*pair)

    def endpoint(self, source):
        return self.peers.get(source) if isinstance(source, tuple) else source

    def ack(self, source, message):
        endpoint, family = self.endpoint(source), FAMILIES[message.command]
        if endpoint is None:
            return
        sending = endpoint.text if family == b"NEW_MESSAGE" and endpoint.udp else endpoint.response
        if sending is None or (sending.family, sending.microseconds, sending.user) != (family, message.microseconds, message.user):
            return
        if family == b"NEW_MESSAGE" and choose["author"] and message.data != sending.author:
            return
        sending.acked = True
        sending.stop()
        if sending is endpoint.text:
            self.drop_text(endpoint)
        elif endpoint.udp and endpoint.user is None:
            endpoint.forget()

    def request(self, source, message):
        endpoint = self.endpoint(source) or Peer(self, source)
        if not endpoint.udp and not endpoint.open:
            return
        if endpoint.user is not None:
            if message.command != b"CONNECTION_REQUEST" and message.user != endpoint.user:
                return
            if message.microseconds <= endpoint.last[1]:
                self.repeat(endpoint, message)
                return
        elif message.key == endpoint.last and not endpoint.response.acked and (endpoint.udp or choose["again"]):
            endpoint.send(endpoint.response.octets)
            return
        REQUESTS[message.command](self, endpoint, message)
        if endpoint.udp and endpoint.last == message.key:
            self.peers[source] = endpoint
            strangers = [peer for peer in self.peers.values() if peer.user is None] if len(self.peers) > choose["memory"] else []
            for peer in strangers[:max(0, len(strangers) - choose["memory"])]:
                self.end(peer)

    def repeat(self, endpoint, message):
        response = endpoint.response
        if message.key == endpoint.last and response.transmissions > 0 and (choose["copy"] or not response.acked):
            endpoint.send(response.octets)

    # ---- what goes

    def transmit(self, sending):
        sending.transmissions += 1
        sending.endpoint.send(sending.octets)
        if sending.endpoint.udp:
            sending.timer = self.loop.call_later(choose["early" if sending.transmissions % 2 else "late"], self.expire, sending)

    def expire(self, sending):
        if sending.transmissions <= RETRANSMITS:
            self.transmit(sending)
        else:
            self.end(sending.endpoint)

    def end(self, endpoint):
        if endpoint.user is not None:
            del self.users[endpoint.user]
        endpoint.forget_session()
        endpoint.last = endpoint.response = None
        endpoint.forget()

    def processed(self, endpoint, message):
        if endpoint.response and endpoint.response.family != b"NEW_MESSAGE":
            endpoint.response.acked = True
            endpoint.response.stop()
        endpoint.last = message.key

    def respond(self, endpoint, message, family, command, data=b""):
        self.processed(endpoint, message)
        octets = b"%s: %s|%s|%s\r\n" % (message.time, command, message.user, data)
        endpoint.response = Sending(endpoint, family, message, octets, message.user)
        self.transmit(endpoint.response)

    def refuse(self, endpoint, message, family, code):
        why = {"plain": b"no", "empty": b"", "odd": "| : \u00e9\u4e2d|1.0: CONNECTION_GRANTED|bob| ".encode(), "long": b"no, " * 500}[choose["reason"]]
        self.respond(endpoint, message, family, family + b"_ERROR_" + code, why)

    def next_text(self, endpoint):
        if endpoint.text is None and endpoint.texts:
            endpoint.text = endpoint.texts.popleft()
            if choose["pause"] and endpoint.waiting > len(endpoint.text.octets):
                endpoint.text.timer = self.loop.call_later(choose["pause"], self.transmit, endpoint.text)
            else:
                self.transmit(endpoint.text)

    def drop_text(self, endpoint):
        endpoint.text.stop()
        endpoint.waiting -= len(endpoint.text.octets)
        endpoint.text = None
        self.next_text(endpoint)

    # ---- requests

    def connect(self, endpoint, message):
        if endpoint.user is not None:
            self.refuse(endpoint, message, b"CONNECTION", b"1004")
        elif not NAME.fullmatch(message.user):
            self.refuse(endpoint, message, b"CONNECTION", b"1002")
        elif message.user in self.users:
            self.refuse(endpoint, message, b"CONNECTION", b"1001")
        elif len(self.users) >= MOST_USERS:
            self.refuse(endpoint, message, b"CONNECTION", b"1003")
        else:
            endpoint.user = message.user
            self.users[message.user] = endpoint
            self.respond(endpoint, message, b"CONNECTION", b"CONNECTION_GRANTED")

    def list_users(self, endpoint, message):
        if endpoint.user is not None:
            entries = [name + b"," + (other.room or b"MAIN_ROOM") for name, other in self.users.items()]
            self.respond(endpoint, message, b"USER_LIST", b"USER_LIST_RESPONSE", b"|".join(ordered(entries, choose["order"])))

    def list_movies(self, endpoint, message):
        if endpoint.user is not None:
            self.respond(endpoint, message, b"MOVIE_LIST", b"MOVIE_LIST_RESPONSE", b"|".join(ordered(self.titles, choose["order"])))

    def enter(self, endpoint, message):
        if endpoint.user is None:
            self.refuse(endpoint, message, b"ENTER_MOVIE", b"2001")
        elif endpoint.room is not None:
            self.refuse(endpoint, message, b"ENTER_MOVIE", b"2003")
        elif message.data not in self.titles:
            self.refuse(endpoint, message, b"ENTER_MOVIE", b"2002")
        else:
            self.move(endpoint, message.data)
            self.respond(endpoint, message, b"ENTER_MOVIE", b"ENTER_MOVIE_GRANTED", choose["stream"].encode())

    def move(self, endpoint, room):
        endpoint.room = room
        if choose["queue"]:
            endpoint.texts.clear()
            if endpoint.text and endpoint.text.transmissions == 0:
                endpoint.text.stop()
                endpoint.text = None
            endpoint.waiting = len(endpoint.text.octets) if endpoint.text else 0
        if not choose["sent"] and endpoint.text:
            self.drop_text(endpoint)

    def leave(self, endpoint, message):
        if endpoint.user is None:
            self.refuse(endpoint, message, b"LEAVE_SESSION", b"1")
            return
        if endpoint.room is None:
            del self.users[endpoint.user]
            endpoint.forget_session()
        else:
            self.move(endpoint, None)
        self.respond(endpoint, message, b"LEAVE_SESSION", b"LEAVE_SESSION_GRANTED")

    def say(self, endpoint, message):
        if endpoint.user is None or not 1 <= len(message.data) <= LONGEST_TEXT:
            return
        self.processed(endpoint, message)
        octets = b"%s: NEW_MESSAGE|%s|%s\r\n" % (message.time, message.user, message.data)
        for reader in ordered([other for other in self.users.values() if other.room == endpoint.room], choose["deliver"]):
            text = Sending(reader, b"NEW_MESSAGE", message, octets, reader.user)
            if reader is endpoint:
                endpoint.response = text
            if reader.udp:
                self.queue(reader, text)
            else:
                self.transmit(text)

    def queue(self, reader, text):
        reader.texts.append(text)
        reader.waiting += len(text.octets)
        if reader.waiting > choose["backlog"]:
            self.end(reader)
        else:
            self.next_text(reader)


REQUESTS = {
    b"CONNECTION_REQUEST": Server.connect,
    b"USER_LIST_REQUEST": Server.list_users,
    b"MOVIE_LIST_REQUEST": Server.list_movies,
    b"ENTER_MOVIE_REQUEST": Server.enter,
    b"LEAVE_SESSION_REQUEST": Server.leave,
    b"SEND_MESSAGE_REQUEST": Server.say,
}


def ordered(items, order):
    if order == "reverse":
        return items[::-1]
    return dice.sample(items, len(items)) if order == "random" else items


async def serve(host, port):
    loop = asyncio.get_running_loop()
    server = Server(loop, TITLES[choose["titles"]])
    server.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    server.socket.bind((host, port))
    server.socket.setblocking(False)
    loop.add_reader(server.socket, server.readable)
    await loop.create_server(lambda: Connection(server), host, port, backlog=choose["queue_of"])
    await asyncio.Event().wait()


if __name__ == "__main__":
    for argument in sys.argv[2:]:
        choice, _, value = argument.partition("=")
        choose[choice] = type(CHOICES[choice])(value)
    address, _, number = sys.argv[1].rpartition(":")
    try:
        asyncio.run(serve(address, int(number)))
    except KeyboardInterrupt:
        os._exit(0)
