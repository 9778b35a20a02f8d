#!/bin/sh
# Makes .venv from any Python >= 3.11 and puts uv into it, checked by hash. `make` runs this once.
set -eu

is_new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
if [ -z "${PYTHON:-}" ]; then
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c "$is_new_enough" 2>/dev/null; then
            PYTHON=$candidate
            break
        fi
    done
fi
if [ -z "${PYTHON:-}" ] || ! "$PYTHON" -c "$is_new_enough"; then
    echo "Assay needs Python 3.11 or newer, and none was found on PATH." >&2
    echo "hint: install one, or name it: make up PYTHON=/path/to/python3.12" >&2
    exit 2
fi

if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ -f /etc/debian_version ] && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$package" >/dev/null
    else
        echo "$PYTHON cannot make virtual environments: its venv and ensurepip modules are missing." >&2
        echo "hint: on Debian and Ubuntu: sudo apt install $package" >&2
        exit 2
    fi
fi

"$PYTHON" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/uv.txt
