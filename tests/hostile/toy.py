"""A small server over UDP for the black-box fuzzer's tests: right enough to be talked to, and with one mistake, or none. It never
retransmits and gives nobody up, so whoever wants nothing else to be found does not wait (--waits 0).

toy.py PORT crash|leave|raise|leak|memory|hang|once|slow|odd|none
  crash   the second LEAVE_SESSION_REQUEST after a movie room ends it
  leave   an exception ends it at each LEAVE_SESSION_REQUEST in the main room
  raise   an exception ends it at that after a movie room, another one at a text of more than 100 octets
  leak    each CONNECTION_REQUEST opens a file that nobody closes
  memory  each CONNECTION_REQUEST takes 8 KiB that nobody gives back
  hang    a text with a pipe is chewed for ever
  once    a single CONNECTION_GRANTED, after a hundred answers, carries data
  slow    every message takes 1 ms (no mistake)
  odd     errors with reasons, lists in any order (no mistake)
"""

import os
import random
import re
import socket
import sys
import time

MESSAGE = re.compile(r"([0-9]{1,10}(?:\.[0-9]{1,6})?): ([A-Z0-9_]{1,64})\|([^\0\r\n|]{0,255})\|([^\0\r\n]*)\r\n")
MOVIES = ["Metropolis", "M"]
kept = []


class Toy:
    def __init__(self, port, mistake):
        self.mistake = mistake
        self.sessions = {}  # peer: [name, room, has been in a movie room]
        self.last = {}  # peer: TIME of its last request
        self.answers = {}  # peer: what its last request was, and its answer
        self.sent = 0
        self.waiting = {}  # peer: texts for it, the first of them sent (REL-14)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        print(f"ready 127.0.0.1:{port}", flush=True)

    def send(self, peer, head, command, user, data=""):
        self.sent += 1
        if self.mistake == "once" and self.sent >= 100 and command == "CONNECTION_GRANTED":
            self.mistake, data = "none", "welcome"
        if self.mistake == "odd" and "_ERROR_" in command:
            data = random.choice(["", "no | not: like this", "\u00e9"])
        octets = f"{head}: {command}|{user}|{data}\r\n".encode()
        if command != "NEW_MESSAGE":
            self.answers[peer] = head, command.split("_")[0], user, octets
        elif user == self.sessions[peer][0] and float(head) == self.last[peer]:
            self.answers[peer] = head, "SEND", user, octets
        self.socket.sendto(octets, peer)

    def repeats(self, peer, head, command, user):
        """REL-11, REL-12: a copy of what answered it, acked or not."""
        last = self.answers.get(peer)
        again = last and float(last[0]) == float(head) and last[1:3] == (command.split("_")[0], user)
        if again:
            self.socket.sendto(last[3], peer)
        return again

    def connection(self, peer, head, user, data):
        if self.mistake == "leak":
            kept.append(os.open("/dev/null", os.O_RDONLY))
        if self.mistake == "memory":
            kept.append(os.urandom(8192))
        if peer in self.sessions:
            self.send(peer, head, "CONNECTION_ERROR_1004", user)
        elif not 0 < len(user) <= 32 or not all(c.isascii() and (c.isalnum() or c in "._-") for c in user):
            self.send(peer, head, "CONNECTION_ERROR_1002", user)
        elif user in [name for name, _, _ in self.sessions.values()]:
            self.send(peer, head, "CONNECTION_ERROR_1001", user)
        else:
            self.sessions[peer] = [user, None, False]
            self.send(peer, head, "CONNECTION_GRANTED", user)

    def listed(self, entries):
        entries = list(entries)
        if self.mistake == "odd":
            random.shuffle(entries)
        return "|".join(entries)

    def users(self, peer, head, user, data):
        self.send(peer, head, "USER_LIST_RESPONSE", user, self.listed(f"{name},{room or 'MAIN_ROOM'}" for name, room, _ in self.sessions.values()))

    def movies(self, peer, head, user, data):
        self.send(peer, head, "MOVIE_LIST_RESPONSE", user, self.listed(MOVIES))

    def enter(self, peer, head, user, data):
        session = self.sessions.get(peer)
        code = 2001 if not session else 2003 if session[1] else 2002 if data not in MOVIES else 0
        if code:
            self.send(peer, head, f"ENTER_MOVIE_ERROR_{code}", user)
        else:
            session[1:] = data, True
            self.send(peer, head, "ENTER_MOVIE_GRANTED", user, "127.0.0.1:5004")

    def leave(self, peer, head, user, data):
        session = self.sessions.get(peer)
        if not session:
            self.send(peer, head, "LEAVE_SESSION_ERROR_1", user)
            return
        if session[1]:
            session[1] = None
        else:
            if self.mistake == "crash" and session[2]:
                os.abort()
            if self.mistake == "leave" or (self.mistake == "raise" and session[2]):
                raise KeyError(peer[1])
            del self.sessions[peer]
            self.waiting.pop(peer, None)
        self.send(peer, head, "LEAVE_SESSION_GRANTED", user)

    def say(self, peer, head, user, data):
        session = self.sessions[peer]
        if self.mistake == "raise" and len(data) > 100:
            raise LookupError("no text")
        while self.mistake == "hang" and "|" in data:
            pass
        for other, (_, room, _) in self.sessions.items():
            if room == session[1]:
                self.waiting.setdefault(other, []).append((head, user, data))
                if len(self.waiting[other]) == 1:
                    self.send(other, head, "NEW_MESSAGE", user, data)

    def heard(self, peer, head, user, data):
        waiting = self.waiting.get(peer)
        if waiting and float(waiting[0][0]) == float(head) and waiting[0][1] == data and user == self.sessions.get(peer, [None])[0]:
            waiting.pop(0)
            if waiting:
                self.send(peer, waiting[0][0], "NEW_MESSAGE", *waiting[0][1:])

    def receive(self, octets, peer):
        message = MESSAGE.fullmatch(octets.decode())
        if not message or len(octets) > 4096:
            return
        head, command, user, data = message.groups()
        if command == "NEW_MESSAGE_RESPONSE_ACK":
            self.heard(peer, head, user, data)
        act = {"CONNECTION_REQUEST": self.connection, "USER_LIST_REQUEST": self.users, "MOVIE_LIST_REQUEST": self.movies,
               "ENTER_MOVIE_REQUEST": self.enter, "LEAVE_SESSION_REQUEST": self.leave, "SEND_MESSAGE_REQUEST": self.say}.get(command)
        if not act or self.repeats(peer, head, command, user):
            return
        if peer in self.sessions and (user != self.sessions[peer][0] and act != self.connection or float(head) <= self.last[peer]):
            return
        if act == self.say and not (peer in self.sessions and 0 < len(data.encode()) <= 1024) or act in (self.users, self.movies) and peer not in self.sessions:
            return  # discarded: it sets no TIME
        self.last[peer] = float(head)
        self.answers.pop(peer, None)
        act(peer, head, user, data)

    def run(self):
        while True:
            octets, peer = self.socket.recvfrom(65536)
            if self.mistake == "slow":
                time.sleep(0.001)
            try:
                self.receive(octets, peer)
            except ValueError:
                pass


Toy(int(sys.argv[1]), sys.argv[2]).run()
