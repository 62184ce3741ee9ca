#!/usr/bin/env bash
# Fetches what the layer and the packages are made of from Debian, but for Lua (deploy/lua/fetch.sh), into
# DIRECTORY, and unpacks it there. Run by build.sh, and by deploy/package/build.sh.
#
#   fetch.sh DIRECTORY [--fresh]     --fresh: fetches again what is there
#
# Leaves:  downloads/, source/       see deploy/debian.sh
#          musl/ARCHITECTURE/        headers and static library of musl
#          ca-certificates/          Mozilla's certificates
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../debian.sh"

layer="$(realpath -m "$1")"
[ "${2:-}" != --fresh ] || rm -rf "$layer"
debian_open layer "$layer" amd64 arm64

for package in zlib expat mbedtls curl libmicrohttpd; do
  fetch "$package" source
  unpack_source "$package"
done
for architecture in amd64 arm64; do
  fetch "musl-dev:$architecture" binary
  unpack_binary "musl-dev:$architecture" "$layer/musl/$architecture"
done
fetch ca-certificates binary
unpack_binary ca-certificates "$layer/ca-certificates"
