#!/usr/bin/env bash
# Sees to it that there is a Python that can make virtual environments. The argument is its command.
set -euo pipefail
python=$1
packages="$(dirname "$0")/packages.sh"

if ! command -v "$python" > /dev/null; then
    if [ "$python" != python3 ]; then
        echo "There is no $python: set PYTHON to the command of a Python 3.11 or newer"
        exit 1
    fi
    "$packages" required "AIMux needs Python" python3 python3-venv
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "AIMux needs Python 3.11 or newer, and $python is $("$python" -V): set PYTHON=python3.11, for example"
    exit 1
}
"$python" -c 'import ensurepip, venv' 2> /dev/null \
    || "$packages" required "$python cannot make virtual environments" "$(basename "$python")-venv"
