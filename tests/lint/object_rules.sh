#!/usr/bin/env bash
# What the object files of a build say: ./object_rules.sh [BUILD], by default build/dev.
#   1. No circle of calls between object files: what a file calls, it can be read after.
#   2. An exported function begins with the name of its file or its folder.
#   3. What only its own file uses is static.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/lint/support/offences.sh

build="${1:-build/dev}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# Objects for link-time optimisation are read by their own compiler's nm.
grep -q 'CMAKE_C_COMPILER:.*clang' "$build/CMakeCache.txt" && nm=llvm-nm-14 || nm=gcc-nm

# symbols TARGET: of the files named on standard input, built for that target, a line a symbol:
# host/core/json/scan.c json_scan_enter T
symbols() {
  local file
  while IFS= read -r file; do
    "$nm" -P "$build/CMakeFiles/$1.dir/$file.o" | awk -v file="$file" '{ print file, $1, $2 }'
  done
}

core="$(files 'host/core/*/*.c')"
host="$(files 'host/*/*.c' 'bindings/*.c')"
{
  symbols weir_core <<<"$core"
  symbols weir_host <<<"$host"
  symbols weir <<<host/main.c
} >"$scratch/program"

# Tests may use what the program does not: the portable form of a fast path, say. Lua asks for its seed.
find "$build/tests" "$build/deploy/lua" -name '*.c.o' | while IFS= read -r object; do
  "$nm" -P "$object" | awk '$2 == "U" { print "tests", $1, $2 }'
done >"$scratch/tests"

# "caller callee" of every call between two files.
awk '$3 ~ /^[TDBRCV]$/ { home[$2] = $1 } { line[NR] = $0 }
  END {
    for (i = 1; i <= NR; i++) {
      split(line[i], field, " ")
      if (field[3] == "U" && (field[2] in home) && home[field[2]] != field[1]) print field[1], home[field[2]]
    }
  }' "$scratch/program" | sort -u >"$scratch/calls"
[ -s "$scratch/calls" ] || offence "$build holds no calls between object files: the rule looks at nothing"
if ! tsort "$scratch/calls" >/dev/null 2>"$scratch/circle"; then
  offence "files that call each other in a circle:"
  sed 's/^tsort: //' "$scratch/circle" >&2
fi

while read -r file name; do
  folder="$(basename "$(dirname "$file")")"
  stem="$(basename "$file" .c)"
  [ "$folder" = bindings ] && folder=binding
  case "$name" in
    "$stem" | "$stem"_* | "$folder"_* | luaopen_weir_"$stem" | main) ;;
    *) offence "$file: $name begins neither with '${stem}_' nor with '${folder}_'" ;;
  esac
done < <(awk '$3 ~ /^[TDBRCV]$/ { print $1, $2 }' "$scratch/program")

while read -r file name; do
  offence "$file: only this file uses $name; make it static, or delete it"
done < <(awk '$3 ~ /^[TDBRCV]$/ && $2 != "main" { home[$2] = $1 } $3 == "U" { used[$2] = 1 }
  END { for (name in home) if (!(name in used)) print home[name], name }' "$scratch/program" "$scratch/tests" | sort)

exit "$offences"
