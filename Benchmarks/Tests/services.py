"""Services that misbehave in known ways, each on a thread of its own, for a generator that must notice."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent.parent
GENERATOR = Path(os.environ.get("MULTIHOMED_BENCH_TOOLS", BENCHMARKS / ".build" / "release")) / "multihomed-bench"

Datagram = tuple[bytes, Any]
# Given the number of a request, from 0, the request and who sent it: what to answer, and whom.
Answer = Callable[[int, Datagram], list[Datagram]]


def echo(number: int, request: Datagram) -> list[Datagram]:
    return [request]


class Service:
    """Answers as it is told, until it is left."""

    def __init__(self, answer: Answer = echo, host: str = "127.0.0.1", answers_from: str | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._answer = answer
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind((host, 0))
        port = self._socket.getsockname()[1]
        self.target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._from = self._socket
        if answers_from:
            self._from = socket.socket(family, socket.SOCK_DGRAM)
            self._from.bind((answers_from, port))
        self.sources: list[Any] = []
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while True:
            data, source = self._socket.recvfrom(65536)
            if not data:
                return
            self.sources.append(source)
            for reply, client in self._answer(len(self.sources) - 1, (data, source)):
                self._from.sendto(reply, client)

    def __enter__(self) -> "Service":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # An empty datagram ends it; requests are never empty.
        with socket.socket(self._socket.family, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()
        self._from.close()


class Stalling:
    """An echo that stands still once."""

    def __init__(self, at: int, seconds: float) -> None:
        self._at, self._seconds = at, seconds

    def __call__(self, number: int, request: Datagram) -> list[Datagram]:
        if number == self._at:
            time.sleep(self._seconds)
        return [request]


class Swapping:
    """Answers every two requests in reverse order."""

    def __init__(self) -> None:
        self._kept: list[Datagram] = []

    def __call__(self, number: int, request: Datagram) -> list[Datagram]:
        self._kept.append(request)
        if len(self._kept) < 2:
            return []
        both, self._kept = self._kept[::-1], []
        return both


def ask(target: str, *arguments: str) -> dict[str, Any]:
    """The generator's report."""
    command = [str(GENERATOR), target, "--json", "-", *(() if "--warmup" in arguments else ("--warmup", "0ms")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    # 1: nobody was answered, which is what some tests want.
    if done.returncode not in (0, 1):
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return json.loads(done.stdout)
