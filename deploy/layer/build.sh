#!/usr/bin/env bash
# Builds build/layer/weir-layer-ARCH.zip: the static program of one or both architectures with what
# a Lambda layer needs. Run as `./dev layer`, which installs the tools first.
#
#   build.sh [--fresh] x86_64|arm64…     --fresh: fetch Debian's packages again
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly LAYER="$PWD/build/layer" LUA="$PWD/build/lua"
# Lambda unpacks a layer into every new environment: what it weighs is start-up time.
readonly ZIP_LIMIT=1000000

# quiet LOG COMMAND…: shows the output only of a failure.
quiet() {
  local log="$1"
  shift
  "$@" >"$log" 2>&1 && return
  tail -n 60 "$log" >&2
  echo "layer: the build failed; the log is $log" >&2
  exit 1
}

build_libraries() {
  local arch="$1" build="$LAYER/$1/build"
  quiet "$LAYER/$arch/libraries.log" cmake -S deploy/layer -B "$build" -G Ninja \
    -DCMAKE_BUILD_TYPE=None --toolchain "$PWD/deploy/layer/toolchain.cmake" \
    -DWEIR_LAYER_ARCH="$arch" -DWEIR_LAYER_DIR="$LAYER" -DCMAKE_INSTALL_PREFIX="$LAYER/$arch/libraries"
  quiet "$LAYER/$arch/libraries.log" cmake --build "$build" --target install
}

build_program() {
  quiet "$LAYER/$1/weir.log" cmake --preset "layer-$1"
  quiet "$LAYER/$1/weir.log" cmake --build "$LAYER/$1/weir" --target weir
}

# Mbed TLS may be taken under one of two licences; we take it under the first.
mbedtls_licence() {
  echo "weir takes Mbed TLS under the Apache License 2.0."
  echo
  sed '/^=====/,$d' "$LAYER/source/mbedtls/LICENSE"
}

# The Mozilla Public License asks to say where it can be read; its text is a hundredth of the zip.
authorities_licence() {
  sed -e 's|^License: MPL-2.0$|& (its text: https://www.mozilla.org/MPL/2.0/)|' \
    -e '/^ Mozilla Public License Version 2.0$/,/^$/d' \
    "$LAYER/ca-certificates/usr/share/doc/ca-certificates/copyright"
}

# The licence of each part, as its source package gives it.
copy_licences() {
  local target="$1" source="$LAYER/source"
  mkdir -p "$target"
  cp LICENSE "$target/weir.txt"
  cp "$LUA/source/lua5.4/debian/copyright" "$target/lua.txt"
  cp "$source/zlib/debian/copyright" "$target/zlib.txt"
  cp "$source/expat/expat/COPYING" "$target/expat.txt"
  mbedtls_licence >"$target/mbedtls.txt"
  cp "$source/curl/COPYING" "$target/curl.txt"
  cp "$LAYER/musl/amd64/usr/share/doc/musl-dev/copyright" "$target/musl.txt"
  authorities_licence >"$target/ca-certificates.txt"
}

# The authorities that AWS's services have their certificates from, in China too. Lambda's own system
# brings all of Mozilla's; this file is for a root that has none, and 130 more are an eighth of the zip.
aws_authorities() {
  local mozilla="$LAYER/ca-certificates/usr/share/ca-certificates/mozilla"
  (LC_ALL=C; cat "$mozilla"/Amazon_Root_CA_[1-4].crt "$mozilla"/DigiCert_Global_Root_*.crt \
    "$mozilla"/DigiCert_High_Assurance_*.crt "$mozilla"/Starfield_*.crt)
}

version() { sed -n 's/^project(weir VERSION \([^ ]*\).*/\1/p' CMakeLists.txt; }

# compiler ARCH: "12.2.0 (Debian 12.2.0-14)"
compiler() {
  local triplet="${1/arm64/aarch64}-linux-gnu"
  "$triplet-gcc" --version | sed -n '1s/^[^ ]* (\(.*\)) \(.*\)$/\2 (\1)/p'
}

# stage ARCH: the layer's files as they will lie under /opt.
stage() {
  local arch="$1" root="$LAYER/$1/root"
  rm -rf "$root" && mkdir -p "$root/etc"
  cp "$LAYER/$arch/weir/weir" "$root/bootstrap"
  cp -r policies "$root/policies"
  find "$root/policies" -type f ! -name '*.lua' ! -name README.md -delete
  aws_authorities >"$root/etc/ca-bundle.crt"
  copy_licences "$root/licenses"
  build/dev/weir lua deploy/layer/bom.lua "$LAYER" "$LUA" "$arch" "$(version)" "$(compiler "$arch")" >"$root/bom.json"
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
  mkdir -p "$LAYER/$arch"
  build_libraries "$arch"
  build_program "$arch"
  stage "$arch"
  pack "$arch"
  report "$arch"
done
