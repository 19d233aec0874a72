#!/usr/bin/env bash
# uvloop==0.23.0 (libuv 1.52.1), seen on 2026-11-30 with Python 3.11 and glibc 2.36
#
# Behaviour: two lookups of names whose name server does not answer hold up every other lookup of the process, also that
#   of a name in /etc/hosts. libuv has four threads, and gives lookups at most half of them.
# Expected: the lookup of a name in /etc/hosts takes no notice, as with asyncio's own loop, which has five threads or more.
# Output seen:
#   asyncio, 2 lookups hang: found
#   uvloop, 1 lookup hangs: found
#   uvloop, 2 lookups hang: not within 3 s
# Needs namespaces of its own for users, mounts and the network.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1

python3 -m venv "$folder/env"
timeout 300 "$folder/env/bin/pip" install -qq uvloop==0.23.0
echo "127.0.0.1 known.test" >"$folder/hosts"
printf 'nameserver 127.0.0.53\noptions timeout:30 attempts:5\n' >"$folder/resolv.conf"
cat >"$folder/ask.py" <<'PYTHON'
import asyncio
import fcntl
import os
import socket
import struct
import sys

import uvloop

SIOCSIFFLAGS, IFF_UP = 0x8914, 1


async def found(hanging):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(silent, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    silent.bind(("127.0.0.53", 53))
    loop = asyncio.get_running_loop()
    waiting = [loop.create_task(loop.getaddrinfo(f"name-{number}.test", 80)) for number in range(hanging)]
    await asyncio.sleep(0.3)  # they have begun
    try:
        async with asyncio.timeout(3):
            await loop.getaddrinfo("known.test", 80)
    except TimeoutError:
        return "not within 3 s"
    finally:
        for each in waiting:
            each.cancel()
    return "found"


async def main(loop, hanging):
    name = "lookups hang" if hanging > 1 else "lookup hangs"
    print(f"{loop}, {hanging} {name}: {await found(hanging)}", flush=True)
    os._exit(0)  # the threads still wait


run = uvloop.run if sys.argv[1] == "uvloop" else asyncio.run
run(main(sys.argv[1], int(sys.argv[2])))
PYTHON
cat >"$folder/inside.sh" <<'SHELL'
set -eu
mount --bind "$1/hosts" /etc/hosts
mount --bind "$1/resolv.conf" /etc/resolv.conf
"$1/env/bin/python" "$1/ask.py" asyncio 2
"$1/env/bin/python" "$1/ask.py" uvloop 1
"$1/env/bin/python" "$1/ask.py" uvloop 2
SHELL
seen=$(timeout 120 unshare --map-root-user --mount --net sh "$folder/inside.sh" "$folder")
echo "$seen"
[ "$seen" = "asyncio, 2 lookups hang: found
uvloop, 1 lookup hangs: found
uvloop, 2 lookups hang: not within 3 s" ]
