#!/usr/bin/env bash
# pydantic-ai-slim==1.25.0 (with opentelemetry-api==1.44.0), seen on 2026-11-30 with Python 3.11
#
# Behaviour: the release asks for opentelemetry-api 1.28.0 or newer, so pip installs one without the private module that
#   it imports, and finds nothing wrong. A plain install with the version pinned cannot be imported any more.
# Expected: an install without conflicts can be imported; or the requirement has an upper bound.
# Output seen:
#   required: opentelemetry-api>=1.28.0
#   1.43.0: pip check: No broken requirements found. import: works
#   1.44.0: pip check: No broken requirements found. import: ModuleNotFoundError: No module named 'opentelemetry._events'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 OTEL_SDK_DISABLED=true

python3 -m venv "$folder/env"

try() {
    timeout 280 "$folder/env/bin/pip" install -qq pydantic-ai-slim==1.25.0 "opentelemetry-api==$1"
    echo "$1: pip check: $("$folder/env/bin/pip" check) import: $(HOME=$folder timeout 60 "$folder/env/bin/python" - <<'PYTHON'
try:
    import pydantic_ai
except ImportError as error:
    print(f"{type(error).__name__}: {error}")
else:
    print("works")
PYTHON
    )"
}

works=$(try 1.43.0)
required=$("$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import requires

print(*(each for each in requires("pydantic-ai-slim") if each.startswith("opentelemetry")))
PYTHON
)
fails=$(try 1.44.0)

printf '%s\n' "required: $required" "$works" "$fails"
sound="pip check: No broken requirements found. import:"
if [[ $required != "opentelemetry-api>=1.28.0" || $works != "1.43.0: $sound works" ||
    $fails != "1.44.0: $sound ModuleNotFoundError: No module named 'opentelemetry._events'" ]]; then
    echo "This is not what was seen on 2026-11-30." >&2
    exit 1
fi
