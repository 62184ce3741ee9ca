#!/usr/bin/env bash
# Every benchmark in one run: the C programs of tests/bench, then its Lua and JavaScript scripts.
# Called by `./dev bench [NAME…]`; names choose, as in `./dev bench replay pattern`.
# Slowness never fails: what a benchmark aims at is printed with "met" or "not met".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p build/bench

# chosen FILE NAME…: is NAME_bench.* among the names, or are there none?
chosen() {
  local file name
  file="$(basename "$1")"
  shift
  [ $# -eq 0 ] && return
  for name in "$@"; do
    [ "${file%%_bench*}" = "$name" ] && return
  done
  return 1
}

# section FILE COMMAND…: the output of one benchmark under its name.
section() {
  printf '\n== %s\n' "$(basename "${1%.*}")"
  "${@:2}"
}

ran=0
for bench in build/dev/tests/*_bench tests/bench/*_bench.lua tests/bench/*_bench.mjs; do
  [ -f "$bench" ] && chosen "$bench" "$@" || continue
  case "$bench" in
    *.lua) section "$bench" build/dev/weir lua "$bench" ;;
    *.mjs) section "$bench" node "$bench" ;;
    *) section "$bench" "$bench" ;;
  esac
  ran=$((ran + 1))
done
[ "$ran" -gt 0 ] || { echo "bench: no benchmark has that name; they are tests/bench/NAME_bench.*" >&2; exit 2; }
