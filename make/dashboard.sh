#!/usr/bin/env bash
# Builds the dashboard for those who run the gateway: where that fails, the gateway runs without it, and the build is not
# tried again before one of its inputs changes. The arguments are these inputs; `make dashboard` always tries.
set -euo pipefail
failed=dashboard/build/failed.stamp
inputs=$({ cat "$@"; node --version 2> /dev/null || true; } | sha256sum)
if [ "$(cat "$failed" 2> /dev/null)" = "$inputs" ]; then
    echo "The dashboard is not built, since that failed before with the same files. To try again: make dashboard"
elif ! "${MAKE:-make}" --no-print-directory dashboard; then
    mkdir -p "$(dirname "$failed")"
    echo "$inputs" > "$failed"
    echo "The dashboard could not be built, see above; the gateway runs without it. To try again: make dashboard"
fi
