#!/usr/bin/env bash
# uvloop==0.23.0 (with trustme==1.2.1), seen on 2026-11-30 with Python 3.11 on Linux
#
# Behaviour: over TLS, an asyncio.BufferedProtocol loses the end of what a peer sends that closes right behind it. One
#   buffer of it is delivered in a turn of the loop, the rest is put off, and the connection's end comes first.
#   connection_lost is given None, as if everything had come. asyncio's own TLS loses it too, with more bytes.
# Expected: all that was received before the end is delivered, as to an asyncio.Protocol.
# Output seen (150000 bytes are sent, to a buffer of 65536):
#   uvloop, Protocol: 150000
#   uvloop, BufferedProtocol: 131072
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1

python3 -m venv "$folder/env"
timeout 300 "$folder/env/bin/pip" install -qq uvloop==0.23.0 trustme==1.2.1
seen=$(timeout 60 "$folder/env/bin/python" - "$folder" <<'PYTHON'
import asyncio
import pathlib
import socket
import ssl
import sys
import threading

import trustme
import uvloop

SENT = 150_000
authority = trustme.CA()
trusted = pathlib.Path(sys.argv[1], "ca.pem")
authority.cert_pem.write_to_path(str(trusted))
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("localhost").configure_cert(server)
listening = socket.create_server(("127.0.0.1", 0))
closed = threading.Event()


def serve():
    for _ in range(2):
        plain, _ = listening.accept()
        secure = server.wrap_socket(plain, server_side=True)
        secure.recv(2)
        secure.sendall(bytes(SENT))
        secure.shutdown(socket.SHUT_RDWR)
        secure.close()
        closed.set()


class Counting:
    def __init__(self):
        self.received = 0
        self.into = bytearray(65536)
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        closed.clear()
        transport.write(b"go")
        closed.wait(10)  # all of it, and the end, is in the kernel when the loop reads

    def connection_lost(self, error):
        self.lost.set_result(error)


class Plain(Counting, asyncio.Protocol):
    def data_received(self, data):
        self.received += len(data)


class Buffered(Counting, asyncio.BufferedProtocol):
    def get_buffer(self, sizehint):
        return self.into

    def buffer_updated(self, size):
        self.received += size


async def main():
    context = ssl.create_default_context(cafile=trusted)
    for kind in (Plain, Buffered):
        connecting = socket.socket()
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 512 * 1024)
        connecting.connect(listening.getsockname())
        connecting.setblocking(False)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(kind, sock=connecting, ssl=context, server_hostname="localhost")
        assert await protocol.lost is None
        print(f"uvloop, {kind.__mro__[2].__name__}: {protocol.received}")


threading.Thread(target=serve, daemon=True).start()
uvloop.run(main())
PYTHON
)
echo "$seen"
[ "$seen" = "uvloop, Protocol: 150000
uvloop, BufferedProtocol: 131072" ]
