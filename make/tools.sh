#!/usr/bin/env bash
# Installs the programs that some tests need, each from the Debian package of its name. The arguments are these names.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin" # where nginx is
missing=()
for program in "$@"; do
    command -v "$program" > /dev/null || missing+=("$program")
done
# Playwright's own Node.js needs this library, which hardly another package brings along. All of the list is read: ldconfig
# fails where its reader leaves early.
if [[ " $* " == *" chromium "* ]] && ! ldconfig -p | grep libatomic.so.1 > /dev/null; then missing+=(libatomic1); fi
[ ${#missing[@]} = 0 ] \
    || "$(dirname "$0")/packages.sh" optional "Some tests need ${missing[*]}, and are skipped without" "${missing[@]}"
