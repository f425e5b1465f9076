"""A small server over UDP for the black-box fuzzer's tests: right enough to be talked to, and with one mistake.

toy.py PORT crash|leak|hang|none
  crash   the second LEAVE_SESSION_REQUEST after a movie room ends it
  leak    each CONNECTION_REQUEST opens a file that nobody closes
  hang    a text with a pipe is chewed for ever
"""

import os
import re
import socket
import sys

MESSAGE = re.compile(r"([0-9]{1,10}(?:\.[0-9]{1,6})?): ([A-Z0-9_]{1,64})\|([^\0\r\n|]{0,255})\|([^\0\r\n]*)\r\n")
MOVIES = ["Metropolis", "M"]
kept = []


class Toy:
    def __init__(self, port, mistake):
        self.mistake = mistake
        self.sessions = {}  # peer: [name, room, has been in a movie room]
        self.last = {}  # peer: TIME of its last request
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        print(f"ready 127.0.0.1:{port}", flush=True)

    def send(self, peer, time, command, user, data=""):
        self.socket.sendto(f"{time}: {command}|{user}|{data}\r\n".encode(), peer)

    def connection(self, peer, time, user, data):
        if self.mistake == "leak":
            kept.append(os.open("/dev/null", os.O_RDONLY))
        if peer in self.sessions:
            self.send(peer, time, "CONNECTION_ERROR_1004", user)
        elif not 0 < len(user) <= 32 or not all(c.isascii() and (c.isalnum() or c in "._-") for c in user):
            self.send(peer, time, "CONNECTION_ERROR_1002", user)
        elif user in [name for name, _, _ in self.sessions.values()]:
            self.send(peer, time, "CONNECTION_ERROR_1001", user)
        else:
            self.sessions[peer] = [user, None, False]
            self.send(peer, time, "CONNECTION_GRANTED", user)

    def users(self, peer, time, user, data):
        if peer in self.sessions:
            self.send(peer, time, "USER_LIST_RESPONSE", user, "|".join(f"{name},{room or 'MAIN_ROOM'}" for name, room, _ in self.sessions.values()))

    def movies(self, peer, time, user, data):
        if peer in self.sessions:
            self.send(peer, time, "MOVIE_LIST_RESPONSE", user, "|".join(MOVIES))

    def enter(self, peer, time, user, data):
        session = self.sessions.get(peer)
        code = 2001 if not session else 2003 if session[1] else 2002 if data not in MOVIES else 0
        if code:
            self.send(peer, time, f"ENTER_MOVIE_ERROR_{code}", user)
        else:
            session[1:] = data, True
            self.send(peer, time, "ENTER_MOVIE_GRANTED", user, "127.0.0.1:5004")

    def leave(self, peer, time, user, data):
        session = self.sessions.get(peer)
        if not session:
            self.send(peer, time, "LEAVE_SESSION_ERROR_1", user)
            return
        if session[1]:
            session[1] = None
        else:
            if self.mistake == "crash" and session[2]:
                os.abort()
            del self.sessions[peer]
        self.send(peer, time, "LEAVE_SESSION_GRANTED", user)

    def say(self, peer, time, user, data):
        session = self.sessions.get(peer)
        if not session or not 0 < len(data.encode()) <= 1024:
            return
        while self.mistake == "hang" and "|" in data:
            pass
        for other, (_, room, _) in self.sessions.items():
            if room == session[1]:
                self.send(other, time, "NEW_MESSAGE", user, data)

    def receive(self, octets, peer):
        message = MESSAGE.fullmatch(octets.decode())
        if not message or len(octets) > 4096:
            return
        head, command, user, data = message.groups()
        act = {"CONNECTION_REQUEST": self.connection, "USER_LIST_REQUEST": self.users, "MOVIE_LIST_REQUEST": self.movies,
               "ENTER_MOVIE_REQUEST": self.enter, "LEAVE_SESSION_REQUEST": self.leave, "SEND_MESSAGE_REQUEST": self.say}.get(command)
        if not act or (peer in self.sessions and (user != self.sessions[peer][0] and act != self.connection or float(head) <= self.last[peer])):
            return
        self.last[peer] = float(head)
        act(peer, head, user, data)

    def run(self):
        while True:
            octets, peer = self.socket.recvfrom(65536)
            try:
                self.receive(octets, peer)
            except ValueError:
                pass


Toy(int(sys.argv[1]), sys.argv[2]).run()
