#!/usr/bin/env bash
# Fetches the source of Lua, one for everything that is built, into DIRECTORY: Debian's source
# package with Debian's patches, then ours (patches/, each says why). CMakeLists.txt here runs it
# whenever a build is configured.
#
#   fetch.sh DIRECTORY [--fresh]     --fresh: fetches again what is there
#
# Leaves:  downloads/lua5.4/, source/lua5.4/    see deploy/debian.sh
#          patched/src/                         what is compiled
#          patched/STAMP                        the package's version, and the sum of each of our patches
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../debian.sh"

lua="$(realpath -m "$1")"
mkdir -p "$lua"
exec 9>"$lua/.lock" && flock 9 # several builds may be configured at once
[ "${2:-}" != --fresh ] || rm -rf "$lua"/{apt,downloads,source,patched}
debian_open lua "$lua"
fetch lua5.4 source
unpack_source lua5.4

# A patch that does not fit exactly is a mistake: it may not do what it says.
stamp="$(cat "$lua/downloads/lua5.4/VERSION" && cd "$here/patches" && sha256sum -- *.patch)"
[ ! -e "$lua/patched/STAMP" ] || [ "$stamp" != "$(cat "$lua/patched/STAMP")" ] || exit 0
rm -rf "$lua/patched" && mkdir -p "$lua/patched"
cp -r "$lua/source/lua5.4/src" "$lua/patched/src"
for patch in "$here"/patches/*.patch; do
  patch --directory="$lua/patched" --strip=1 --fuzz=0 --quiet --input="$patch" || {
    echo "lua: $(basename "$patch") does not fit Lua $(cat "$lua/downloads/lua5.4/VERSION")" >&2
    exit 1
  }
done
echo "$stamp" >"$lua/patched/STAMP"
