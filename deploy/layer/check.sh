#!/usr/bin/env bash
# Is the layer reproducible? Builds it again from a copy of the tree in another directory, libraries
# and all, from the same downloads, and compares the zips byte for byte. Run as `./dev layer --check`.
#   check.sh ARCH…
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/copy.sh

tree="$(mktemp -d -t weir-layer-check-XXXXXX)/another-tree"
trap 'rm -rf "$(dirname "$tree")"' EXIT
copy_tree "$tree"
(cd "$tree" && bash deploy/layer/build.sh "$@" >/dev/null)
for arch in "$@"; do
  if ! cmp "build/layer/weir-layer-$arch.zip" "$tree/build/layer/weir-layer-$arch.zip"; then
    echo "layer: weir-layer-$arch.zip is not reproducible" >&2
    exit 1
  fi
  echo "layer: weir-layer-$arch.zip built twice, the same bytes"
done
