#!/usr/bin/env bash
# uvloop==0.23.0, seen on 2026-11-30 with Python 3.11 on Linux 6.18
#
# Behaviour: a child that asyncio.create_subprocess_exec starts under uvloop has every signal at its default action and none
#   blocked. What its parent ignores (SIGHUP, as under nohup) kills it.
# Expected: a child inherits what is ignored and blocked, as POSIX says of exec, and as it is under asyncio's own loop.
# Output seen:
#   asyncio: SIGHUP ignored True, SIGUSR1 blocked True
#   uvloop: SIGHUP ignored False, SIGUSR1 blocked False
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1

python3 -m venv "$folder/env"
timeout 300 "$folder/env/bin/pip" install -qq uvloop==0.23.0
seen=$(timeout 60 "$folder/env/bin/python" - <<'PYTHON'
import asyncio
import signal
import sys
from asyncio.subprocess import PIPE

import uvloop

CHILD = """
import re
status = open("/proc/self/status").read()
has = lambda mask, number: bool(int(re.search(mask + r":\\s*([0-9a-f]+)", status).group(1), 16) >> (number - 1) & 1)
print(f"SIGHUP ignored {has('SigIgn', 1)}, SIGUSR1 blocked {has('SigBlk', 10)}")
"""


async def asked():
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, stdout=PIPE)
    answer, _ = await child.communicate()
    return answer.decode().strip()


signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("asyncio:", asyncio.run(asked()))
print("uvloop:", uvloop.run(asked()))
PYTHON
)
echo "$seen"
[ "$seen" = "asyncio: SIGHUP ignored True, SIGUSR1 blocked True
uvloop: SIGHUP ignored False, SIGUSR1 blocked False" ]
