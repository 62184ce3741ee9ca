#!/usr/bin/env bash
# Is the layer reproducible? Builds it again from a copy of the tree in another directory, libraries
# and all, from the same downloads, and compares the zips byte for byte. Run as `./dev layer --check`.
#   check.sh ARCH…
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

layer="$PWD/build/layer"
copy="$(mktemp -d -t weir-layer-check-XXXXXX)"
trap 'rm -rf "$copy"' EXIT
tree="$copy/another-tree"
mkdir -p "$tree/build/layer" "$tree/build/lua" "$tree/build/dev"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$tree"
cp -r "$layer/downloads" "$tree/build/layer/downloads"
cp -r build/lua/downloads "$tree/build/lua/downloads"
cp build/dev/weir build/dev/luac build/dev/lua5.4 "$tree/build/dev/"
(cd "$tree" && bash deploy/layer/build.sh "$@" >/dev/null)
for arch in "$@"; do
  if ! cmp "$layer/weir-layer-$arch.zip" "$tree/build/layer/weir-layer-$arch.zip"; then
    echo "layer: weir-layer-$arch.zip is not reproducible" >&2
    exit 1
  fi
  echo "layer: weir-layer-$arch.zip built twice, the same bytes"
done
