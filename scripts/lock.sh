#!/bin/sh
# Resolves the newest versions that pyproject.toml allows into requirements/, one file per environment, with hashes and
# without index addresses; and the page's packages into web/package-lock.json.
set -eu

lock() {
    output=requirements/$1.txt
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
        --custom-compile-command "make lock" --upgrade --output-file "$output" "$@"
}

lock uv --group uv
lock build --group build
lock run pyproject.toml
lock test pyproject.toml --extra aws --extra exchange --extra google --extra otel --extra parquet --extra ray --group test --constraints requirements/run.txt --constraints requirements/build.txt
lock previous --group previous
lock bench --group bench
lock bench-litellm --group bench-litellm
sh scripts/npm.sh update --package-lock-only --ignore-scripts
sh scripts/clients.sh update --package-lock-only
