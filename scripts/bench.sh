#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every scenario of parley bench against a fresh server on a free port, and where mosquitto is installed the same load
# on it for comparison: bench.sh [DURATION]. Everything happens on loopback and in a temporary directory.
set -euo pipefail

duration=${1:-5s}
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

[ -x bin/parley ] || make build

# Server with an empty data directory; sets mqtt and server.
serve() {
	bin/parley serve --data "$work/data" --mqtt 127.0.0.1:0 --http 127.0.0.1:0 --rate-limit 0 >"$work/doors" 2>"$work/log" &
	server=$!
	pids+=("$server")
	for _ in $(seq 200); do
		mqtt=$(sed -n 's,^mqtt  *tcp://,,p' "$work/doors")
		[ -n "$mqtt" ] && return
		kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
		sleep 0.05
	done
	echo "bench.sh: the server did not start" >&2
	exit 1
}

bench() { bin/parley bench "$@" --data "$work/data" --mqtt "$mqtt" --pid "$server" --duration "$duration"; }

peer=()
if command -v mosquitto >/dev/null; then
	port=$((20000 + RANDOM % 10000))
	printf 'listener %s 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\npersistence false\nlog_type none\n' \
		"$port" >"$work/mosquitto.conf"
	mosquitto -c "$work/mosquitto.conf" &
	pids+=("$!")
	peer=(--peer mosquitto --peer-mqtt "127.0.0.1:$port" --peer-pid "$!")
else
	echo "bench.sh: mosquitto is not installed: no comparison"
fi

serve
for scenario in a10 b100 c1000; do bench "$scenario"; done
bench a10 --rate 200
bench a10 --qos 1 "${peer[@]}"
bench fanout "${peer[@]}"

# The members of the idle scenario are made in a first run; the second, on a fresh process, is the one that counts.
bench idle --members 5000 --settle 1s >/dev/null
kill "$server" && wait "$server" || true
serve
bench idle --members 5000 --settle 15s
