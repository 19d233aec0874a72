#!/usr/bin/env bash
# Makes the virtual environment, or makes it anew where its folder was moved or copied or its Python is gone.
#
#   venv.sh VENV PYTHON
#
# A virtual environment has the path of its folder in many places, so that a moved one does not start and a copied one
# runs the code of the original. The stamp, which is written last, has that path.
set -euo pipefail
venv=$1 python=$2
stamp="$venv/venv.stamp" clear=()
"$(dirname "$0")/python.sh" "$python"
if [ -e "$stamp" ]; then
    made_in=$(cat "$stamp")
    clear=(--clear)
    if [ -n "$made_in" ] && [ "$made_in" != "$(pwd -P)" ]; then
        echo "This folder was moved or copied from $made_in: making the virtual environment $venv anew"
    else
        echo "The virtual environment $venv does not work as it is: making it anew"
    fi
else
    echo "Making the virtual environment $venv"
fi
"$python" -m venv "${clear[@]}" "$venv"
pwd -P > "$stamp"
