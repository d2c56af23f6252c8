"""Clients that ask without end until they are told to stop: each datagram is its own, and none may be lost.

usage: steady.py ADDRESS PORT CLIENTS STOP-FILE
"""

import os
import select
import socket
import sys
import time

address, port, count, stop = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
clients = []
for _ in range(count):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((address, port))
    client.setblocking(False)
    clients.append(client)
poller = select.poll()
for client in clients:
    poller.register(client, select.POLLIN)
by_descriptor = {client.fileno(): client for client in clients}
waiting = set()
sent = 0


def receive(timeout):
    for descriptor, _ in poller.poll(timeout):
        waiting.discard((descriptor, by_descriptor[descriptor].recv(64)))


end = time.monotonic() + 60
while not os.path.exists(stop) and time.monotonic() < end:
    client = clients[sent % count]
    text = b"%d" % sent
    client.send(text)
    waiting.add((client.fileno(), text))
    sent += 1
    receive(1)
last = time.monotonic() + 5
while waiting and time.monotonic() < last:
    receive(100)
print(f"{sent} sent, {len(waiting)} lost")
sys.exit(1 if waiting else 0)
