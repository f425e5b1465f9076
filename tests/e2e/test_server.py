"""c2w-server under load and abuse: ROB-01 to ROB-05, TRN-04, and what the operating system refuses."""

import contextlib
import os
import random
import resource
import socket
import threading
import time

import pytest

from client import Client, others
from conftest import until


def tcp(running):
    return socket.create_connection((running.host, running.port), timeout=10)


@pytest.mark.parametrize("bind, asked", [("0.0.0.0", "127.0.0.2"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("::", "127.0.0.3")])
def test_a_wildcard_bind_answers_from_the_address_asked(server, bind, asked):
    running = server("--host", bind)
    family = socket.AF_INET6 if ":" in asked else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as peer:
            peer.settimeout(3)
            peer.sendto(b"1.0: CONNECTION_REQUEST|alice|\r\n", (asked, running.port))
            octets, source = peer.recvfrom(65536)
    except (TimeoutError, ConnectionRefusedError):
        if bind == "::" and family == socket.AF_INET:
            pytest.skip("this bind is IPv6 only")
        raise
    assert source[:2] == (asked, running.port)
    assert octets == b"1.0: CONNECTION_GRANTED|alice|\r\n"


@pytest.fixture
def few_descriptors():
    """Options that leave a server 40 descriptors."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))}


def test_out_of_descriptors_it_refuses_says_so_once_and_recovers(server, few_descriptors):
    running = server(**few_descriptors)
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(tcp(running))
        with Client(running.address, "udp").connect() as client:  # nobody else suffers
            client.leave()
        busy = os.sysconf("SC_CLK_TCK"), cpu_ticks(running.pid)
        time.sleep(1)
        assert cpu_ticks(running.pid) - busy[1] < busy[0] / 2, "it spins"
    with Client(running.address, "tcp").connect() as client:
        client.leave()
    assert running.stop() == 0
    lines = [line for line in running.log.splitlines() if "descriptor" in line.lower() or "open files" in line.lower()]
    assert len(lines) == 1, running.log


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


def test_thousands_of_connections(server):
    count = min(3000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    running = server()
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(tcp(running)) for _ in range(count)]
        with Client(running.address, "tcp").connect() as client:
            assert list(client.users()) == [client.name]
            client.leave()
        peers[-1].sendall(b"1.0: CONNECTION_REQUEST|last|\r\n")
        assert peers[-1].recv(100) == b"1.0: CONNECTION_GRANTED|last|\r\n"
    assert until(lambda: not others(running.address))


def test_connections_that_come_and_go(server):
    running = server()
    for number in range(2000):
        with tcp(running) as peer:
            if number % 2:
                peer.sendall(b"1.0: CONNECTION_REQUEST|gone|\r\n"[:number % 32])
            if number % 3 == 0:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    assert until(lambda: not others(running.address, "tcp"))


def test_a_slow_reader_is_dropped_and_delays_nobody(server):
    running = server("--max-backlog", 100000)
    with Client(running.address, "tcp").connect() as slow, Client(running.address, "tcp").connect() as author:
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        text, worst = "x" * 1000, 0
        for _ in range(12000):
            began = time.monotonic()
            author.request("SEND_MESSAGE_REQUEST", text)
            worst = max(worst, time.monotonic() - began)
            if slow.name not in author.users():
                break
        else:
            pytest.fail("the slow reader is still there")
        assert worst < 2
        assert author.leave() == "LEAVE_SESSION_GRANTED"


def test_half_a_message_holds_nobody_up(server):
    running = server()
    with tcp(running) as half:
        half.sendall(b"1.0: CONNECTION_REQ")
        assert others(running.address, "tcp") == {}
        half.sendall(b"UEST|half|\r\n")
        assert half.recv(100) == b"1.0: CONNECTION_GRANTED|half|\r\n"
        assert list(others(running.address)) == ["half"]


def test_a_line_without_end_closes_its_connection_only(server):
    running = server()
    with Client(running.address, "tcp").connect() as bystander, tcp(running) as endless:
        with pytest.raises(OSError):
            for _ in range(1600):
                endless.sendall(b"x" * 65536)
        assert list(bystander.users()) == [bystander.name]


def noise(seed, count):
    """Octets near the protocol: whole messages with wounds, and plain garbage."""
    dice = random.Random(seed)
    commands = ["CONNECTION_REQUEST", "USER_LIST_REQUEST", "ENTER_MOVIE_REQUEST", "LEAVE_SESSION_REQUEST", "SEND_MESSAGE_REQUEST",
                "NEW_MESSAGE_RESPONSE_ACK", "CONNECTION_GRANTED", "X" * 70]
    for _ in range(count):
        line = bytearray(f"{dice.randrange(10**11)}.{dice.randrange(10**7)}: {dice.choice(commands)}|{dice.choice(['a', 'b', '', 'c' * 300])}"
                         f"|{dice.choice(['', 'M', 'hi', '|||', 'z' * 5000])}\r\n".encode())
        for _ in range(dice.choice([0, 0, 1, 1, 2, 10])):
            line[dice.randrange(len(line))] = dice.randrange(256)
        yield bytes(line) if dice.random() < 0.8 else dice.randbytes(dice.randrange(1, 2000))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_garbage_ends_neither_the_server_nor_other_sessions(server, transport):
    running = server("--rto", 100)
    with Client(running.address, "tcp").connect() as bystander:
        for seed in range(20):
            kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
            with socket.socket(socket.AF_INET, kind) as peer, contextlib.suppress(OSError):
                peer.connect((running.host, running.port))
                for octets in noise(seed, 200):
                    with contextlib.suppress(ConnectionRefusedError):
                        peer.sendall(octets)
        bystander.texts.clear()
        assert bystander.users()[bystander.name] == "MAIN_ROOM"
        assert until(lambda: list(bystander.users()) == [bystander.name]), bystander.users()


def test_forged_connection_requests_do_not_fill_it_for_good(server):
    running = server("--rto", 100, "--max-users", 20)
    with contextlib.ExitStack() as stack:
        for number in range(40):
            peer = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            peer.sendto(b"1.0: CONNECTION_REQUEST|forged-%d|\r\n" % number, (running.host, running.port))
        with Client(running.address, "tcp") as late:
            assert until(lambda: late.request("CONNECTION_REQUEST")[0] == "CONNECTION_GRANTED", 5)
            assert until(lambda: list(late.users()) == [late.name], 5)


@pytest.mark.alone
def test_while_one_floods_another_is_served(server):
    running = server()
    stop, sent = threading.Event(), [0]

    def flood():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.connect((running.host, running.port))
            while not stop.is_set():
                for number in range(20):  # 2000 a second: ROB-02
                    peer.send(b"%d.0: USER_LIST_REQUEST|flood|\r\n" % sent[0])
                    sent[0] += 1
                stop.wait(0.01)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        for transport in "udp", "tcp":
            with Client(running.address, transport).connect() as client:
                for _ in range(20):
                    began = time.monotonic()
                    client.users()
                    assert time.monotonic() - began < 2
                client.leave()
    finally:
        stop.set()
        thread.join()
    assert sent[0] > 0


def test_memory_stays_bounded_under_nameless_endpoints(server):
    running = server()
    peak = lambda: int(next(line for line in open(f"/proc/{running.pid}/status", encoding="ascii") if line.startswith("VmHWM")).split()[1])
    with Client(running.address).connect() as client:
        before = peak()
        for burst in range(20):
            with contextlib.ExitStack() as stack:
                for number in range(200):
                    peer = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    peer.sendto(b"1.0: ENTER_MOVIE_REQUEST|nobody|%s\r\n" % (b"x" * 4000), (running.host, running.port))
        client.users()
        assert peak() - before < 256 * 1024, "KiB"
        client.leave()


def test_a_lost_datagram_is_repeated(server):
    running = server("--loss", 0.3, "--seed", 5)
    with Client(running.address, timeout=30).connect() as client:
        for number in range(5):
            assert client.request("SEND_MESSAGE_REQUEST", str(number))[1] == str(number)
        client.leave()
