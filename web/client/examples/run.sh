#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs a TypeScript program that uses the client, on any Node: bundles it first.
set -eu
source=$1
shift
out=$(mktemp -d node_modules/.run.XXXXXX)
trap 'rm -rf "$out"' EXIT
node_modules/.bin/rolldown "$source" --platform node --external mqtt --file "$out/program.mjs" --log-level silent >/dev/null
node "$out/program.mjs" "$@"
