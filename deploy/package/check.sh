#!/usr/bin/env bash
# Are the packages reproducible? Builds them again from a copy of the tree in another directory, libraries
# and all, from the same downloads, and compares them byte for byte. Run as `./dev package --check`.
#   check.sh ARCH…
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/copy.sh

tree="$(mktemp -d -t weir-package-check-XXXXXX)/another-tree"
trap 'rm -rf "$(dirname "$tree")"' EXIT
copy_tree "$tree"
(cd "$tree" && bash deploy/package/build.sh "$@" >/dev/null)
for file in "$tree"/build/package/*.tar.gz "$tree"/build/package/*.deb; do
  file="$(basename "$file")"
  if ! cmp "build/package/$file" "$tree/build/package/$file"; then
    echo "package: $file is not reproducible" >&2
    exit 1
  fi
  echo "package: $file built twice, the same bytes"
done
