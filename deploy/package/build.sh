#!/usr/bin/env bash
# Builds the packages of the command-line program for one or both architectures, in build/package:
# a tarball for PREFIX (/usr/local), a Debian package, and SHA256SUMS. Run as `./dev package`, which
# installs the tools first. The same tree gives the same bytes.
#
#   build.sh [--fresh] x86_64|arm64…     --fresh: fetch Debian's packages again
#     SOURCE_DATE_EPOCH: the date of the files, not the build's
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly NAME=package # in messages
source deploy/static.sh

readonly PACKAGE="$PWD/build/package"
readonly DATE="@${SOURCE_DATE_EPOCH:-1767225600}" # 2026-01-01
readonly MAINTAINER="The weir authors <weir@example.org>"

# debian ARCH: the name of the architecture in Debian.
debian() { echo "${1/x86_64/amd64}"; }

# note_installed ARCH PART FILE: which package of this machine a file is from, in the form of a download,
# for the bill of materials; and its licence.
note_installed() {
  local target="$PACKAGE/$1/installed/downloads/$2" package
  rm -rf "$target" && mkdir -p "$target"
  package="$(dpkg-query -S "$3" | sed -n '1s/:.*//p')"
  echo "$package" >"$target/PACKAGE"
  dpkg-query -W -f '${Version}\n' "$package" | sed -n 1p >"$target/VERSION"
  (cd "$(dirname "$3")" && sha256sum "$(basename "$3")") >"$target/SHA256SUMS"
  cp "/usr/share/doc/$package/copyright" "$PACKAGE/$1/root/share/doc/weir/licenses/$2.txt"
}

# stage_documents ARCH: what is read, and what tells of the parts.
stage_documents() {
  local arch="$1" root="$PACKAGE/$1/root" doc="$PACKAGE/$1/root/share/doc/weir"
  mkdir -p "$doc" "$root/share/man/man1"
  cp README.md CHANGELOG.md "$doc"
  build/dev/weir help --man >"$root/share/man/man1/weir.1"
  copy_licences "$doc/licenses"
  cp "$LAYER/source/libmicrohttpd/COPYING" "$doc/licenses/libmicrohttpd.txt"
  note_installed "$arch" dygraphs /usr/share/javascript/dygraphs/dygraph.min.js
  note_installed "$arch" libgcc "$(realpath "$("$(triplet "$arch")-gcc" -print-libgcc-file-name)")"
  build/dev/weir lua deploy/bom.lua "$LAYER" "$LUA" "$arch" "$(version)" "$(compiler "$arch")" \
    "$PACKAGE/$arch/weir/weir.map" "$PACKAGE/$arch/installed" >"$doc/bom.json"
}

# stage_completions ARCH: as the program itself writes them.
stage_completions() {
  local share="$PACKAGE/$1/root/share"
  mkdir -p "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
  build/dev/weir completion bash >"$share/bash-completion/completions/weir"
  build/dev/weir completion zsh >"$share/zsh/site-functions/_weir"
  build/dev/weir completion fish >"$share/fish/vendor_completions.d/weir.fish"
}

# stage ARCH: the files as they lie under PREFIX.
stage() {
  local arch="$1" root="$PACKAGE/$1/root"
  rm -rf "$root" && mkdir -p "$root/bin" "$root/share/weir"
  cp "$PACKAGE/$arch/weir/weir" "$root/bin/weir"
  cp -r policies "$root/share/weir/policies"
  rm -rf "$root"/share/weir/policies/.[!.]* # what an editor and weir stubs left
  aws_authorities >"$root/share/weir/ca-bundle.crt"
  stage_documents "$arch"
  stage_completions "$arch"
}

# settle DIRECTORY: modes and dates that do not depend on who built it, or when.
settle() {
  find "$1" -type d -exec chmod 0755 {} +
  find "$1" -type f -exec chmod 0644 {} +
  find "$1" -path '*/bin/weir' -exec chmod 0755 {} +
  find "$1" -exec touch --no-dereference --date="$DATE" {} +
}

# sums DIRECTORY [WITHOUT]: of every file in it, in order.
sums() { (cd "$1" && find . -type f ! -path "./${2:-}" | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum); }

# pack_tarball ARCH
pack_tarball() {
  local root="$PACKAGE/$1/root" stem
  stem="weir-$(version)-$1"
  sums "$root" share/doc/weir/SHA256SUMS >"$PACKAGE/$1/sums"
  mv "$PACKAGE/$1/sums" "$root/share/doc/weir/SHA256SUMS"
  settle "$root"
  tar --create --directory "$root" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner \
    --mtime="$DATE" --transform "s|^\.|$stem|" . | gzip -9n >"$PACKAGE/$stem.tar.gz"
}

# write_control ARCH ROOT: what dpkg is told. The program is static: it depends on nothing.
write_control() {
  local size
  size="$(find "$2/usr" -type f -printf '%s\n' | awk '{ sum += $1 } END { print int(sum / 1024 + 1) }')"
  cat >"$2/DEBIAN/control" <<CONTROL
Package: weir
Version: $(version)-1
Section: utils
Priority: optional
Architecture: $(debian "$1")
Maintainer: $MAINTAINER
Installed-Size: $size
Recommends: ca-certificates
Suggests: unzip, bash-completion
Description: decide routing and events with Lua policies
 Lua policies decide where inference work runs, how traffic is split between
 model variants, which model is promoted, and what an incoming event means.
 This program checks, tests, replays and compares them on recorded decisions,
 deploys them to AWS Lambda, and runs Lambda on a laptop (weir emulate).
CONTROL
}

# write_changelogs DOC: ours, and Debian's, which says that this is the first of its version.
write_changelogs() {
  local doc="$1" date
  date="$(LC_ALL=C date --utc --date="$DATE" '+%a, %d %b %Y %H:%M:%S +0000')"
  gzip -9n "$doc/CHANGELOG.md" && mv "$doc/CHANGELOG.md.gz" "$doc/changelog.gz"
  printf 'weir (%s-1) unstable; urgency=medium\n\n  * Version %s; changelog.gz tells what is new.\n\n -- %s  %s\n' \
    "$(version)" "$(version)" "$MAINTAINER" "$date" | gzip -9n >"$doc/changelog.Debian.gz"
}

# write_copyright DOC: weir's licence, and where those of its parts are.
write_copyright() {
  local doc="$1" part
  {
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
    printf 'Upstream-Name: weir\nComment: The program contains parts of others. Their licences:\n'
    for part in "$doc"/licenses/*.txt; do
      [ "$(basename "$part")" = weir.txt ] || echo " /usr/share/doc/weir/licenses/$(basename "$part")"
    done
    printf '\nFiles: *\nCopyright: %s\nLicense: Expat\n' "$(sed -n 's/^Copyright (c) //p' LICENSE)"
    sed -e '1,/^Copyright/d' -e '1,/^$/ { /^$/d }' LICENSE | sed -e 's/^$/./' -e 's/^/ /'
  } >"$doc/copyright"
}

# What a checker of Debian's would object to in any static program.
write_overrides() {
  mkdir -p "$1"
  printf '# It runs on any system, and in an empty root: bom.json lists what is linked.\n' >"$1/weir"
  printf 'weir: %s\n' 'statically-linked-binary *' 'embedded-library *' 'extra-license-file *' >>"$1/weir"
}

# pack_debian ARCH: the tarball's files where Debian has them.
pack_debian() {
  local root="$PACKAGE/$1/debian" doc="$PACKAGE/$1/debian/usr/share/doc/weir"
  rm -rf "$root" && mkdir -p "$root/DEBIAN"
  cp -r "$PACKAGE/$1/root" "$root/usr"
  mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
  gzip -9n "$root/usr/share/man/man1/weir.1"
  rm "$doc/SHA256SUMS" # dpkg has md5sums of its own
  write_changelogs "$doc"
  write_copyright "$doc"
  write_overrides "$root/usr/share/lintian/overrides"
  (cd "$root" && find usr -type f | LC_ALL=C sort | xargs md5sum) >"$root/DEBIAN/md5sums"
  write_control "$1" "$root"
  settle "$root"
  SOURCE_DATE_EPOCH="${DATE#@}" dpkg-deb --root-owner-group -Zxz --build "$root" \
    "$PACKAGE/weir_$(version)-1_$(debian "$1").deb" >/dev/null
}

report() {
  local file
  (cd "$PACKAGE" && LC_ALL=C sha256sum -- *.tar.gz *.deb) >"$PACKAGE/SHA256SUMS"
  for file in "$@"; do echo "package: build/package/$file  $(stat -c %s "$PACKAGE/$file") bytes"; done
}

fresh=
[ "${1:-}" != --fresh ] || { fresh=--fresh; shift; }
mkdir -p "$PACKAGE"
bash deploy/layer/fetch.sh "$LAYER" $fresh
quiet "$PACKAGE/policies.log" build/dev/weir check policies
rm -f "$PACKAGE"/*.tar.gz "$PACKAGE"/*.deb
built=()
for arch in "$@"; do
  build_libraries "$arch"
  build_program package "$arch"
  stage "$arch"
  pack_tarball "$arch"
  pack_debian "$arch"
  built+=("weir-$(version)-$arch.tar.gz" "weir_$(version)-1_$(debian "$arch").deb")
done
report "${built[@]}"
