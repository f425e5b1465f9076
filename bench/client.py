#!/usr/bin/env python3
"""The plain script that an implementer would write: one exchange after the other, nothing checked.

    client.py HOST PORT EXCHANGES        prints exchanges per second
"""
import socket
import sys
import time


def main():
    host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.settimeout(2)
    link.connect((host, port))

    def exchange(when, request, ack):
        link.send(f"{when}: {request}|plain|\r\n".encode())
        when, rest = link.recv(65535).decode().split(": ", 1)
        user = rest.split("|")[1]
        link.send(f"{when}: {ack}|{user}|\r\n".encode())

    exchange(1, "CONNECTION_REQUEST", "CONNECTION_RESPONSE_ACK")
    start = time.monotonic()
    for number in range(count):
        exchange(number + 2, "USER_LIST_REQUEST", "USER_LIST_RESPONSE_ACK")
    seconds = time.monotonic() - start
    exchange(count + 2, "LEAVE_SESSION_REQUEST", "LEAVE_SESSION_RESPONSE_ACK")
    print(round(count / seconds))


if __name__ == "__main__":
    main()
