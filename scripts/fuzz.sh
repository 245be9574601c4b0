#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzzer of the tree: fuzz.sh TIME [JOBS [REST]]. TIME is what go
# test's -fuzztime takes, for whatever reads bytes before anybody is known: the
# packet decoder, filters, routes. REST (TIME if absent) is for all others. JOBS
# fuzzers run at a time, each with one worker; those of TIME go first, so that
# none of them is left running alone. What a fuzzer finds is kept in its
# package's testdata/fuzz, as go test does it.
set -euo pipefail

time=${1:?fuzz.sh TIME [JOBS [REST]]}
jobs=${2:-2}
rest=${3:-$time}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cache=$(go env GOCACHE)/fuzz/$(go list -m)

# One line a fuzzer: its time, package, name.
list() {
	# grep fails where it finds none, which is no fault.
	{ grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . --exclude-dir=node_modules || true; } |
		sed -E 's,^(.*)/[^/]*:func (Fuzz.*)$,\1 \2,' | sort -u |
		awk -v time="$time" -v rest="$rest" '
			$1 ~ /^\.\/internal\/(mqtt|topic)(\/|$)/ { print time, $0; next }
			{ later = later rest " " $0 "\n" }
			END { printf "%s", later }'
}

binary() { # PACKAGE
	printf '%s/%s.test' "$dir" "$(tr -c 'A-Za-z0-9\n' '_' <<<"$1")"
}

# Interesting inputs are not made smaller: go test takes up to a minute for
# each, in which nothing is tried that is new.
fuzz() { # TIME PACKAGE NAME
	local binary log attempt
	binary=$(binary "$2")
	log=$binary.$3
	for attempt in 1 2; do
		if (cd "$2" && "$binary" -test.run '^$' -test.fuzz "^$3\$" -test.fuzztime "$1" -test.fuzzminimizetime 0 \
			-test.fuzzcachedir "$cache/$2" -test.parallel 1) >"$log" 2>&1; then
			printf 'ok    %-45s %s\n' "$2 $3" "$(grep -oE 'execs: [0-9]+' "$log" | tail -n 1)"
			return 0
		fi
		# A fuzzer sometimes reports its own deadline as a failure, with no
		# failing input. Only that is tried again.
		grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log" || break
	done
	printf 'FAIL  %s\n' "$2 $3"
	sed 's/^/      /' "$log"
	return 1
}

export -f binary fuzz
export cache dir
fuzzers=$(list)
if [ -z "$fuzzers" ]; then
	echo "no fuzzers in the tree"
	exit 0
fi
# One package after the other: what several need is compiled once.
for package in $(cut -d' ' -f2 <<<"$fuzzers" | sort -u); do
	go test -c -fuzz . -o "$(binary "$package")" "$package"
done
xargs -P "$jobs" -L 1 bash -c 'fuzz "$@"' fuzz <<<"$fuzzers"
printf '%d fuzzers, %s each for MQTT and topics, %s for the others\n' "$(wc -l <<<"$fuzzers")" "$time" "$rest"
