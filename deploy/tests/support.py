"""What the tests of deploy/ stand on: where things are, and commands that are run."""

import os
import socket
import subprocess
import time
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

DEPLOY = Path(__file__).resolve().parent.parent
SOURCES = DEPLOY.parent
BINARY = Path(os.environ.get("MULTIHOMED_BINARY", SOURCES / ".build/release/multihomed"))
PROGRAMS = SOURCES / ".build-deploy/root"
"""Debian's programs, unpacked by fetch-programs.sh."""

LIMIT = 60
"""Seconds after which something that is waited for has failed, on the slowest machine."""


def run(*command: object, status: int = 0, **options: object) -> str:
    """Runs a command and returns its output, standard error included. Fails unless it ends with the status."""
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if done.returncode != status:
        raise AssertionError(f"{command} ended with {done.returncode}, not {status}:\n{done.stdout}")
    return done.stdout


def program(path: str) -> list[str]:
    """How to run a program of PROGRAMS, with the libraries that came with it."""
    if not (PROGRAMS / path).exists():
        raise AssertionError(f"{path} is missing: run `make deploy-programs`")
    libraries = ":".join(sorted({str(file.parent) for file in PROGRAMS.glob("**/lib*.so*")}))
    return ["env", f"LD_LIBRARY_PATH={libraries}", str(PROGRAMS / path)]


def eventually(what: str, condition: Callable[[], object]) -> object:
    """Waits until something is true, and returns it."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} has not come within {LIMIT} s")


def ask(address: str, port: int, question: bytes) -> bytes:
    """Asks a UDP service until it answers: from the address that was asked, or the kernel drops the reply."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((address, port))
        client.settimeout(0.5)

        def answer() -> bytes | None:
            try:
                client.send(question)
                return client.recv(65535)
            except OSError:
                return None

        return eventually(f"an answer of {address}:{port}", answer)


def tell(address: str, port: int, datagram: bytes) -> None:
    """Sends a datagram, for which no answer is waited."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(datagram, (address, port))


@contextmanager
def address_of_its_own(address: str, interface: str = "deploy0") -> Iterator[None]:
    """Gives this host (a namespace of the tests) an address to listen on."""
    peer = "deploy1"
    run("ip", "link", "add", "name", interface, "type", "veth", "peer", "name", peer)
    try:
        run("ip", "address", "add", f"{address}/24", "dev", interface)
        for end in (interface, peer):
            run("ip", "link", "set", end, "up")
        yield
    finally:
        run("ip", "link", "delete", interface)


@contextmanager
def running(*command: object, **options: object) -> Iterator[subprocess.Popen]:
    """Runs a program meanwhile; it must then end by SIGTERM, in order."""
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    try:
        yield process
        process.terminate()
        output, _ = process.communicate(timeout=LIMIT)
        if process.returncode != 0:
            raise AssertionError(f"{command} ended with {process.returncode}:\n{output}")
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def version() -> str:
    """What the program calls itself."""
    return run(BINARY, "--version").strip()


def has_ready_check() -> bool:
    """Whether this program has the check for health that keepalived and the image's engine call."""
    return "--ready" in run(BINARY, "status", "--help")


def needs_root(test: type[unittest.TestCase]) -> type[unittest.TestCase]:
    """For tests of what only root can do: a package installed, another user's process."""
    host_root = os.getuid() == 0 and Path("/proc/self/uid_map").read_text().split()[2] == "4294967295"
    return unittest.skipUnless(host_root, "needs root outside of a user namespace")(test)
