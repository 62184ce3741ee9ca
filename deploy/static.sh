# What the layer and the packages have in common: static programs on musl, and what is told of their
# parts. Sourced by deploy/layer/build.sh and deploy/package/build.sh, in the directory of the tree.
readonly LAYER="$PWD/build/layer" LUA="$PWD/build/lua"

# quiet LOG COMMAND…: shows the output only of a failure.
quiet() {
  local log="$1"
  shift
  "$@" >"$log" 2>&1 && return
  tail -n 60 "$log" >&2
  echo "$NAME: the build failed; the log is $log" >&2
  exit 1
}

# build_libraries ARCH: into build/layer/ARCH/libraries.
build_libraries() {
  local arch="$1" build="$LAYER/$1/build"
  mkdir -p "$LAYER/$arch"
  quiet "$LAYER/$arch/libraries.log" cmake -S deploy/layer -B "$build" -G Ninja \
    -DCMAKE_BUILD_TYPE=None --toolchain "$PWD/deploy/layer/toolchain.cmake" \
    -DWEIR_LAYER_ARCH="$arch" -DWEIR_LAYER_DIR="$LAYER" -DCMAKE_INSTALL_PREFIX="$LAYER/$arch/libraries"
  quiet "$LAYER/$arch/libraries.log" cmake --build "$build" --target install
}

# build_program WHAT ARCH: the preset WHAT-ARCH, into build/WHAT/ARCH/weir.
build_program() {
  local log="$PWD/build/$1/$2/weir.log"
  mkdir -p "build/$1/$2"
  quiet "$log" cmake --preset "$1-$2"
  quiet "$log" cmake --build "build/$1/$2/weir" --target weir
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

# copy_licences DIRECTORY: the licence of each part of a layer, as its source package gives it.
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

# triplet ARCH: "aarch64-linux-gnu", as Debian's compilers are named
triplet() { echo "${1/arm64/aarch64}-linux-gnu"; }

# compiler ARCH: "12.2.0 (Debian 12.2.0-14)"
compiler() { "$(triplet "$1")-gcc" --version | sed -n '1s/^[^ ]* (\(.*\)) \(.*\)$/\2 (\1)/p'; }
