#!/usr/bin/env python3
"""Asks a service at a fixed pace from one client, and writes down what became of each request.

usage: prober.py ADDRESS:PORT RATE SECONDS FILE

FILE receives JSON: [[when it was sent, seconds until the reply, or null], ...], in seconds of CLOCK_REALTIME.

It is there to find pauses of the service: a reply's time is the kernel's stamp of its arrival (SO_TIMESTAMPNS), so what
the prober itself sleeps too long does not count; and it never waits for a reply before it asks again. It stands alone
(no import of the harness), since it runs as a process of its own.
"""

import json
import select
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35
LAST_REPLIES = 1.0
NUMBER = struct.Struct("!Q")
STAMP = struct.Struct("@ll")


def probe(target: tuple[str, int], rate: float, seconds: float) -> list[tuple[float, float | None]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        client.connect(target)
        client.setblocking(False)
        return _ask(client, rate, seconds)


def _ask(client: socket.socket, rate: float, seconds: float) -> list[tuple[float, float | None]]:
    sent: list[int] = []
    answered: dict[int, int] = {}
    start = time.monotonic()
    turn, turns = 0, int(rate * seconds)
    while turn < turns:
        _receive_until(client, start + turn / rate, answered)
        sent.append(time.time_ns())
        try:
            client.send(NUMBER.pack(len(sent) - 1))
        except OSError:
            pass  # Nobody there, or no room: a request without a reply.
        # Turns that were slept through are left out.
        turn = max(turn + 1, int((time.monotonic() - start) * rate))
    _receive_until(client, time.monotonic() + LAST_REPLIES, answered)
    return [(at / 1e9, (answered[n] - at) / 1e9 if n in answered else None) for n, at in enumerate(sent)]


def _receive_until(client: socket.socket, end: float, answered: dict[int, int]) -> None:
    while (rest := end - time.monotonic()) > 0:
        if not select.select([client], [], [], rest)[0]:
            return
        try:
            data, controls, _, _ = client.recvmsg(64, socket.CMSG_SPACE(STAMP.size))
        except OSError:
            continue
        seconds, nanoseconds = STAMP.unpack(controls[0][2])
        answered.setdefault(NUMBER.unpack(data)[0], seconds * 1_000_000_000 + nanoseconds)


def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    samples = probe((host, int(port)), float(sys.argv[2]), float(sys.argv[3]))
    with open(sys.argv[4], "w", encoding="ascii") as file:
        json.dump(samples, file)


if __name__ == "__main__":
    main()
