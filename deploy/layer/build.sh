#!/usr/bin/env bash
# Builds build/layer/weir-layer-ARCH.zip: the static program of one or both architectures with what
# a Lambda layer needs. Run as `./dev layer`, which installs the tools first.
#
#   build.sh [--fresh] x86_64|arm64…     --fresh: fetch Debian's packages again
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly NAME=layer # in messages
source deploy/static.sh
# Lambda unpacks a layer into every new environment: what it weighs is start-up time.
readonly ZIP_LIMIT=1000000

# stage ARCH: the layer's files as they will lie under /opt.
stage() {
  local arch="$1" root="$LAYER/$1/root"
  rm -rf "$root" && mkdir -p "$root/etc"
  cp "$LAYER/$arch/weir/weir" "$root/bootstrap"
  cp -r policies "$root/policies"
  find "$root/policies" -type f ! -name '*.lua' ! -name README.md -delete
  aws_authorities >"$root/etc/ca-bundle.crt"
  copy_licences "$root/licenses"
  build/dev/weir lua deploy/bom.lua "$LAYER" "$LUA" "$arch" "$(version)" "$(compiler "$arch")" >"$root/bom.json"
  find "$root" -type d -exec chmod 0755 {} +
  find "$root" -type f -exec chmod 0644 {} +
  chmod 0755 "$root/bootstrap"
}

# pack ARCH: the same files give the same bytes: names sorted, one date (the first a zip can hold),
# no owners.
pack() {
  local root="$LAYER/$1/root" zip="$LAYER/weir-layer-$1.zip"
  rm -f "$zip"
  find "$root" -exec touch --no-dereference --date='1980-01-01 00:00:00 UTC' {} +
  (cd "$root" && find . -mindepth 1 | sed 's|^\./||' | LC_ALL=C sort | TZ=UTC zip -q -X -9 "$zip" -@)
  advzip --quiet --recompress -4 "$zip" # the same format, packed with more patience
}

report() {
  local zip="$LAYER/weir-layer-$1.zip" size program
  size="$(stat -c %s "$zip")"
  program="$(stat -c %s "$LAYER/$1/root/bootstrap")"
  echo "layer: build/layer/weir-layer-$1.zip  $size bytes, bootstrap $program bytes"
  [ "$size" -le "$ZIP_LIMIT" ] && return
  echo "layer: weir-layer-$1.zip is larger than $ZIP_LIMIT bytes" >&2
  exit 1
}

fresh=
[ "${1:-}" != --fresh ] || { fresh=--fresh; shift; }
mkdir -p "$LAYER"
bash deploy/layer/fetch.sh "${LAYER}" $fresh
quiet "$LAYER/policies.log" build/dev/weir check policies
for arch in "$@"; do
  build_libraries "$arch"
  build_program layer "$arch"
  stage "$arch"
  pack "$arch"
  report "$arch"
done
