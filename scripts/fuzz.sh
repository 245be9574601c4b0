#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzzer of the tree: fuzz.sh TIME [JOBS [REST]]. TIME is what go
# test's -fuzztime takes, for whatever reads bytes before anybody is known: the
# packet decoder, filters, routes. REST (TIME if absent) is for all others. JOBS
# fuzzers run at a time, each with one worker. What a fuzzer finds is kept by go
# test in its package's testdata/fuzz.
set -euo pipefail

time=${1:?fuzz.sh TIME [JOBS [REST]]}
jobs=${2:-2}
rest=${3:-$time}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# One line a fuzzer: package, name.
list() {
	# grep fails where it finds none, which is no fault.
	{ grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . --exclude-dir=node_modules || true; } |
		sed -E 's,^(.*)/[^/]*:func (Fuzz.*)$,\1 \2,' | sort -u
}

fuzz() { # PACKAGE NAME
	local log attempt time=$time
	[[ $1 =~ ^\./internal/(mqtt|topic)(/|$) ]] || time=$rest
	log=$logs/$(tr -c 'A-Za-z0-9\n' '_' <<<"$1 $2")
	for attempt in 1 2; do
		if go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -parallel 1 "$1" >"$log" 2>&1; then
			printf 'ok    %-45s %s\n' "$1 $2" "$(grep -oE 'execs: [0-9]+' "$log" | tail -n 1)"
			return 0
		fi
		# go test sometimes reports its own deadline as a failure, with no
		# failing input. Only that is tried again.
		grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log" || break
	done
	printf 'FAIL  %s\n' "$1 $2"
	sed 's/^/      /' "$log"
	return 1
}

export -f fuzz
export time rest logs
fuzzers=$(list)
if [ -z "$fuzzers" ]; then
	echo "no fuzzers in the tree"
	exit 0
fi
xargs -P "$jobs" -L 1 bash -c 'fuzz "$@"' fuzz <<<"$fuzzers"
printf '%d fuzzers, %s each for MQTT and topics, %s for the others\n' "$(wc -l <<<"$fuzzers")" "$time" "$rest"
