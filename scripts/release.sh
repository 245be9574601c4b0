#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds what a release consists of into dist/:
# release.sh VERSION LDFLAGS OS/ARCH...
set -euo pipefail

version=${1:?release.sh VERSION LDFLAGS OS/ARCH...}
ldflags=$2
shift 2

rm -rf dist
mkdir -p dist
binaries=()
step=0
for platform in "$@"; do
	os=${platform%/*} arch=${platform#*/}
	name=parley_${version}_${os}_${arch}
	[ "$os" = windows ] && name=$name.exe
	step=$((step + 1))
	printf '[%d/%d] %s\n' "$step" "$#" "$name"
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -ldflags "$ldflags" -o "dist/$name" ./cmd/parley
	binaries+=("dist/$name")
done

echo "bill of materials"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)} \
	go run ./tools/sbom -version "$version" "${binaries[@]}" >"dist/parley_${version}.cdx.json"
cp LICENSE CHANGELOG.md dist/
(cd dist && sha256sum parley_* >SHA256SUMS)
ls -l dist
