"""c2w-server from the command line: options, `ready`, ports in use, its end."""

import re
import signal
import socket

import pytest

from client import Client
from conftest import BUILD, Server


def says(run, *words, code=2):
    assert run.code == code, run
    assert run.out == "", run
    assert re.match(r"(\S*/)?c2w-server(-faulty)?: ", run.err), run.err
    assert all(word in run.err for word in words), run.err


@pytest.mark.parametrize("arguments, words", [
    (["--no-such-option"], ["no-such-option"]),
    (["extra"], ["extra"]),
    (["--port", "65536"], ["65536"]),
    (["--port", "-1"], ["-1"]),
    (["--port", "19x"], ["19x"]),
    (["--port", ""], ["port"]),
    (["--transport", "sctp"], ["sctp"]),
    (["--rto", "0"], ["rto"]),
    (["--rto", "1s5"], ["1s5"]),
    (["--max-retransmits", "-1"], ["-1"]),
    (["--max-users", "0"], ["max-users"]),
    (["--max-users", "99999999999"], ["99999999999"]),
    (["--max-room", "x"], ["max-room"]),
    (["--max-request", "1"], ["max-request"]),
    (["--max-text", "0"], ["max-text"]),
    (["--max-backlog", "-5"], ["max-backlog"]),
    (["--loss", "1.5"], ["1.5"]),
    (["--loss", "nan"], ["nan"]),
    (["--seed", "abc"], ["abc"]),
    (["--movies", "/no/such/file"], ["/no/such/file"]),
])
def test_usage_errors_say_what_and_why(program, arguments, words):
    says(program("c2w-server", *arguments), *words)


def test_help_and_version(program):
    run = program("c2w-server", "--help")
    assert run.code == 0 and run.err == ""
    for option in "host port transport movies rto max-retransmits max-users max-room max-request max-text max-backlog loss seed".split():
        assert len(re.findall(rf"--{option}\b", run.out)) >= 1, option
    assert re.search(r"c2w-server.* \d+\.\d+", program("c2w-server", "--version").out)


@pytest.mark.parametrize("content, words", [
    (b"M\nM\n", ["movies:2"]),                          # no two movies share a title
    (b"M\nMAIN_ROOM\n", ["movies:2", "MAIN_ROOM"]),
    (b"a|b\n", ["movies:1"]),
    (b"x" * 65 + b"\n", ["movies:1", "64"]),
    (b"M\n\xff\xfe\n", ["movies:2"]),
    (b"M\x00N\n", ["movies:1"]),
    (b"\x1b[31mred" * 10, ["movies:1"]),
])
def test_bad_movie_files_are_refused_with_the_line(program, tmp_path, content, words):
    file = tmp_path / "movies"
    file.write_bytes(content)
    run = program("c2w-server", "--port", 0, "--movies", file)
    says(run, str(file), *words)
    assert "\x1b" not in run.err and "\x00" not in run.err


def test_movies_come_from_the_file(server, tmp_path):
    file = tmp_path / "movies"
    file.write_text("La Règle du jeu\nThe Good, the Bad and the Ugly\n" + "x" * 64 + "\n")
    with Client(server("--movies", file).address).connect() as client:
        assert sorted(client.movies()) == sorted(["La Règle du jeu", "The Good, the Bad and the Ugly", "x" * 64])


def test_the_movies_inside_have_a_comma_and_an_accent(server):
    with Client(server().address).connect() as client:
        movies = client.movies()
    assert any("," in movie for movie in movies) and any(not movie.isascii() for movie in movies)
    assert len(movies) == len(set(movies))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(server, number):
    running = server()
    with Client(running.address).connect(), Client(running.address, "tcp").connect():
        assert running.stop(number) == 0


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_in_use_is_said(program, kind):
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        port = holder.getsockname()[1]
        says(program("c2w-server", "--port", port), f"127.0.0.1:{port}", "in use", code=1)


@pytest.mark.parametrize("host", ["192.0.2.1", "not an address", ""])
def test_an_address_that_is_not_ours_is_said(program, host):
    says(program("c2w-server", "--port", 0, "--host", host), host, code=1)


def test_port_0_finds_one_free_for_both(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        running = [server() for _ in range(8)]
        assert len({each.port for each in running}) == 8
        for each in running:
            for transport in "udp", "tcp":
                with Client(each.address, transport).connect() as client:
                    assert client.leave() == "LEAVE_SESSION_GRANTED"


@pytest.mark.parametrize("offered, missing", [("udp", "tcp"), ("tcp", "udp")])
def test_one_transport_alone(server, offered, missing):
    address = server("--transport", offered).address
    with Client(address, offered) as client:
        client.connect()
    with pytest.raises(ConnectionRefusedError), Client(address, missing, timeout=2) as client:
        client.connect()


def test_ipv6(server):
    running = server("--host", "::1")
    assert running.address.startswith("[::1]:")
    for transport in "udp", "tcp":
        with Client(running.address, transport) as client:
            client.connect()


def test_the_same_port_can_be_had_again_at_once(server):
    first = server()
    with Client(first.address, "tcp") as client:
        client.connect()
        assert first.stop() == 0
    again = server(port=first.port)
    assert again.port == first.port


def test_the_released_server_has_no_faults(program):
    says(program("c2w-server", "--fault", "anything"), "fault")
    listed = program("c2w-server-faulty", "--list-faults")
    assert listed.code == 0 and len(listed.out.splitlines()) >= 10
    says(program("c2w-server-faulty", "--fault", "no-such-fault"), "no-such-fault")


def test_ready_is_said_once_and_alone_on_stdout(server):
    running = server("--verbose")
    with Client(running.address).connect() as client:
        client.leave()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.stdout.read() == ""


def test_a_closed_stdout_does_not_end_it():
    running = Server([BUILD / "c2w-server", "--port", "0"])
    running.process.stdout.close()
    with Client(running.address).connect() as client:
        client.leave()
    running.process.stdout = open("/dev/null", encoding="ascii")
    assert running.stop() == 0


@pytest.mark.parametrize("octets", [b"\x1b[2J\x07", b"\xff\xfe", b"\xc2\x9b31m"])
def test_peers_octets_are_escaped_in_the_log(server, octets):
    running = server("--verbose")
    for transport, kind in ("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as peer:
            peer.connect((running.host, running.port))
            peer.sendall(b"1.0: CONNECTION_REQUEST|a" + octets + b"|x\r\n")
            with Client(running.address, transport).connect() as client:
                client.leave()
    assert running.stop() == 0
    assert "CONNECTION" in running.log or "connect" in running.log
    assert all(character.isprintable() or character == "\n" for character in running.log), running.log


def test_verbose_logs_connects(server):
    running = server("--verbose")
    with Client(running.address).connect() as client:
        client.leave()
    assert running.stop() == 0
    assert client.name in running.log


def test_quiet_says_nothing(server):
    running = server("--quiet")
    with Client(running.address).connect() as client:
        client.leave()
    assert running.stop() == 0
    assert running.log == ""
