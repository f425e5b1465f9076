#!/usr/bin/env python3
"""Company for a server: strangers who log in, look round, chat in every room and leave, over UDP and TCP, until the time is over.

    strangers.py HOST:PORT [--count 200] [--time 60] [--seed 22]

They keep to the rules of clients (REL-01 to REL-03), and take three seconds at the most between what they do. Exit code 1 if nobody could log in.
"""

import argparse
import asyncio
import random
import time

RTO, REPEATS = 1.0, 3


class Stranger(asyncio.Protocol):
    """One user on one endpoint after the other. The same class reads datagrams and streams."""

    logins = 0

    def __init__(self, name, host, port, tcp, dice):
        self.name, self.where, self.tcp, self.dice = name, (host, port), tcp, dice
        self.last, self.held, self.answer, self.transport = 0, b"", None, None

    # ---- the wire

    def connection_made(self, transport):
        self.transport, self.held = transport, b""

    def connection_lost(self, _):
        if self.answer and not self.answer.done():
            self.answer.set_result(None)

    def error_received(self, _):
        pass

    def datagram_received(self, octets, _):
        self.read(octets)

    def data_received(self, octets):
        *lines, self.held = (self.held + octets).split(b"\r\n")
        for line in lines:
            self.read(line + b"\r\n")

    def put(self, line):
        octets = f"{line}\r\n".encode()
        if not self.tcp:
            self.transport.sendto(octets)
        elif not self.transport.is_closing():
            self.transport.write(octets)

    def read(self, octets):
        head, user, data = octets[:-2].decode().split("|", 2)
        when, command = head.split(": ")
        family = command.split("_ERROR_")[0].removesuffix("_GRANTED").removesuffix("_RESPONSE")
        self.put(f"{when}: {family}_RESPONSE_ACK|" + (f"{self.name}|{user}" if family == "NEW_MESSAGE" else f"{user}|"))
        if when == self.when and user == self.name and self.answer and not self.answer.done():
            self.answer.set_result((command, data))

    # ---- what a client does

    async def ask(self, command, data=""):
        """(command, data) of the answer; None: there was none."""
        self.last = max(self.last + 1, time.time_ns() // 1000)
        self.when = "%d.%06d" % divmod(self.last, 1000000)
        self.answer = asyncio.get_running_loop().create_future()
        for _ in range(1 if self.tcp else 1 + REPEATS):
            self.put(f"{self.when}: {command}|{self.name}|{data}")
            await asyncio.wait([self.answer], timeout=RTO * (1 + REPEATS if self.tcp else 1))
            if self.answer.done():
                return self.answer.result()
        return None

    async def pause(self):
        await asyncio.sleep(self.dice.uniform(0.2, 3))

    async def chat(self):
        for i in range(self.dice.randint(0, 3)):
            await self.ask("SEND_MESSAGE_REQUEST", f"{i} from {self.name}: " + "bla " * self.dice.randint(1, 40))
            await self.pause()

    async def visit(self):
        if (await self.ask("CONNECTION_REQUEST") or " ")[0] != "CONNECTION_GRANTED":
            return
        Stranger.logins += 1
        movies = (await self.ask("MOVIE_LIST_REQUEST") or ("", ""))[1].split("|")
        await self.ask("USER_LIST_REQUEST")
        await self.chat()
        if movies != [""] and (await self.ask("ENTER_MOVIE_REQUEST", self.dice.choice(movies)) or " ")[0] == "ENTER_MOVIE_GRANTED":
            await self.chat()
            await self.ask("LEAVE_SESSION_REQUEST")
        await self.pause()
        await self.ask("LEAVE_SESSION_REQUEST")

    async def live(self):
        loop = asyncio.get_running_loop()
        while True:
            await self.pause()
            try:
                if self.tcp:
                    await loop.create_connection(lambda: self, *self.where)
                else:
                    await loop.create_datagram_endpoint(lambda: self, remote_addr=self.where)
                await self.visit()
            except OSError:
                pass
            if self.transport:
                self.transport.close()


async def party(options):
    host, _, port = options.address.rpartition(":")
    dice = random.Random(options.seed)
    strangers = [Stranger(f"stranger-{i}", host.strip("[]"), int(port), i % 2 == 1, dice) for i in range(options.count)]
    tasks = [asyncio.create_task(stranger.live()) for stranger in strangers]
    await asyncio.wait(tasks, timeout=options.time, return_when=asyncio.FIRST_EXCEPTION)
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()


def main():
    parser = argparse.ArgumentParser(description="Company for a C2W server.")
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--time", type=float, default=60, help="seconds")
    parser.add_argument("--seed", type=int, default=22)
    options = parser.parse_args()
    try:
        asyncio.run(party(options))
    except KeyboardInterrupt:
        pass
    print(f"strangers: {Stranger.logins} visits")
    raise SystemExit(Stranger.logins == 0)


if __name__ == "__main__":
    main()
