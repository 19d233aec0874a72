#!/usr/bin/env bash
# Installs Debian packages where this is root, and says how to install them where it is not.
#
#   packages.sh required WHY PACKAGE...   exit code 1 where they could not be installed
#   packages.sh optional WHY PACKAGE...   exit code 0 in any case; each package is tried by itself
set -euo pipefail
kind=$1 why=$2
shift 2
log=$(mktemp)
trap 'rm -f "$log"' EXIT

install() {
    apt-get install -y --no-install-recommends "$@" >> "$log" 2>&1
}

if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "$why. To install them: sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
    [ "$kind" = optional ] || echo "Then run make again."
    [ "$kind" = optional ]
    exit
fi

echo "$why. Installing the Debian packages: $*"
export DEBIAN_FRONTEND=noninteractive
failed=()
apt-get update > "$log" 2>&1 || failed=("$@")
if [ ${#failed[@]} = 0 ] && [ "$kind" = required ]; then
    install "$@" || failed=("$@")
elif [ ${#failed[@]} = 0 ]; then
    for package in "$@"; do install "$package" || failed+=("$package"); done
fi

# Debian's package starts nginx on port 80; here only the program is wanted.
if [[ " $* " == *" nginx "* ]] && [ -d /run/systemd/system ]; then systemctl disable --now nginx > /dev/null 2>&1 || true; fi

if [ ${#failed[@]} != 0 ]; then
    tail -n 20 "$log"
    echo "These packages could not be installed, see above: ${failed[*]}"
    [ "$kind" = optional ]
fi
