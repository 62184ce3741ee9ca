# Fetches packages of Debian's trixie into a directory and unpacks them there. Sourced by
# deploy/lua/fetch.sh and deploy/layer/fetch.sh, which call debian_open first.
#
# The apt configuration is the build's own: the machine's sources, lists and architectures stay as
# they are. apt checks every byte against Debian's signature; the sums are kept, and checked again
# each time. What is there already is not fetched again, so that a second run needs no network.
#
#   downloads/PACKAGE/   the files as Debian publishes them, with SHA256SUMS and VERSION
#   source/PACKAGE/      a source package, with Debian's patches

readonly SUITE=trixie
# A mirror may list a version that it does not hold (yet, or any more). Then the newest older one
# that is still published anywhere will do; testing's pool is where those are found.
readonly FALLBACK_SUITE=forky
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

configuration=/dev/null # of the suite in use

# debian_open NAME DIRECTORY [ARCHITECTURE…]: everything below is in DIRECTORY; messages begin with
# NAME. Binary packages can be fetched of these architectures; with none, the lists of binary
# packages are not read at all.
debian_open() {
  name="$1" directory="$2"
  shift 2
  architectures=("$@")
  mkdir -p "$directory/downloads" "$directory/apt"
  main_mirror="$(mirror '')"
  security_mirror="$(mirror -security)"
}

# The base URL of this machine's own Debian mirror: that of the suite it runs.
mirror() {
  local codename
  codename="$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)"
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v release="$codename$1" '$1 == release && !seen++ { sub("/$", "", $2); print $2 }'
}

# use_suite NAME LINE…: a configuration of our own with these sources, for apt_run.
use_suite() {
  local root="$directory/apt/$1"
  shift
  mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
  : >"$root/status"
  printf '%s\n' "$@" >"$root/sources.list"
  cat >"$root/apt.conf" <<CONF
Dir::Etc::sourcelist "$root/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$root";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
APT::Architectures { $(printf '"%s"; ' "${architectures[@]:-$(dpkg --print-architecture)}")};
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
APT::Update::Post-Invoke-Success "";
Acquire::Languages "none";
CONF
  configuration="$root/apt.conf"
  [ -e "$root/updated" ] && return
  echo "$name: reading Debian's lists ($(basename "$root"))" >&2
  apt_run get update -qq >&2
  touch "$root/updated"
}

# apt_run get|cache ARGUMENT…: -c is read after the machine's own configuration, and wins.
apt_run() { "apt-$1" -c "$configuration" "${@:2}"; }

use_main_suite() {
  local signed="signed-by=$KEYRING"
  use_suite "$SUITE" "deb-src [$signed] $main_mirror $SUITE main" \
    ${architectures:+"deb [$signed] $main_mirror $SUITE main"} \
    ${security_mirror:+"deb-src [$signed] $security_mirror $SUITE-security main"}
}

use_fallback_suite() {
  use_suite "$FALLBACK_SUITE" "deb-src [signed-by=$KEYRING] $main_mirror $FALLBACK_SUITE main"
}

# versions PACKAGE source|binary: newest first.
versions() {
  if [ "$2" = source ]; then
    apt_run cache showsrc --only-source "$1" 2>/dev/null | sed -n 's/^Version: //p'
  else
    apt_run cache madison "$1" | awk -F' *[|] *' '/Packages$/ { print $2 }'
  fi | sort -u | sort_versions
}

# sort -V does not know "~" and epochs; dpkg does.
sort_versions() {
  local sorted=() version other placed i
  while read -r version; do
    placed=
    for i in "${!sorted[@]}"; do
      other="${sorted[$i]}"
      if dpkg --compare-versions "$version" gt "$other"; then
        sorted=("${sorted[@]:0:i}" "$version" "${sorted[@]:i}")
        placed=1
        break
      fi
    done
    [ -n "$placed" ] || sorted+=("$version")
  done
  [ ${#sorted[@]} -eq 0 ] || printf '%s\n' "${sorted[@]}"
}

# try PACKAGE KIND VERSION: downloads that version into the current directory.
try() {
  if [ "$2" = source ]; then
    apt_run get source -qq --only-source --download-only "$1=$3"
  else
    apt_run get download -qq "$1=$3"
  fi >>"$directory/apt/fetch.log" 2>&1
}

# keep VERSION: notes what was downloaded into the current directory.
keep() {
  echo "$1" >VERSION
  sha256sum -- * >"$directory/apt/sums"
  mv "$directory/apt/sums" SHA256SUMS
}

# fetch_newest PACKAGE KIND: the newest version of the suite that the mirror really holds.
fetch_newest() {
  local package="$1" kind="$2" target="$directory/downloads/$1" newest='' version suite
  if [ -z "$main_mirror" ]; then
    echo "$name: apt on this machine has no Debian mirror for its own release; give it one" >&2
    return 1
  fi
  for suite in main fallback; do
    [ "$suite" = main ] || [ "$kind" = source ] || break
    "use_${suite}_suite"
    for version in $(versions "$package" "$kind"); do
      [ "$suite" = fallback ] || newest="${newest:-$version}"
      dpkg --compare-versions "$version" le "$newest" || continue
      rm -rf "$target" && mkdir -p "$target"
      (cd "$target" && try "$package" "$kind" "$version" && keep "$version") || continue
      [ "$version" = "$newest" ] ||
        echo "$name: the mirror lists $package $newest but does not hold it; using $version" >&2
      return 0
    done
  done
  rm -f "$directory"/apt/*/updated # the lists may be old: the next run reads them again
  echo "$name: no version of $package could be fetched; see $directory/apt/fetch.log" >&2
  return 1
}

# fetch PACKAGE KIND: what is there already must be what was downloaded.
fetch() {
  local target="$directory/downloads/$1"
  if [ ! -e "$target/SHA256SUMS" ]; then
    fetch_newest "$1" "$2"
  elif ! (cd "$target" && sha256sum --quiet --check SHA256SUMS) >&2; then
    echo "$name: $target was changed after its download; run ./dev layer --fresh" >&2
    return 1
  fi
}

# unpack_source PACKAGE: with Debian's patches, which are its security fixes.
unpack_source() {
  local target="$directory/source/$1"
  [ -e "$target/.unpacked" ] && return
  rm -rf "$target" && mkdir -p "$directory/source"
  # --no-check: apt checked the files; the uploader's key is not on every machine.
  dpkg-source --no-check --no-copy -x "$directory/downloads/$1"/*.dsc "$target" >"$directory/source/$1.log" 2>&1
  touch "$target/.unpacked"
}

# unpack_binary PACKAGE DIRECTORY
unpack_binary() {
  [ -e "$2/.unpacked" ] && return
  rm -rf "$2" && mkdir -p "$2"
  dpkg-deb -x "$directory/downloads/$1"/*.deb "$2"
  touch "$2/.unpacked"
}
