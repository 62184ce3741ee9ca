#!/usr/bin/env bash
# Who may include whom, and how long a file may be. Prints every offence as file:line: text and
# ends with status 1 if there is any.
#   1. host/core never sees Lua, and includes nothing of the program but host/core;
#   2. a binding sees core modules, the host's headers, binding.h, registry.h and json_lua.h (Lua values
#      as JSON, which bodies and items hold too), no other binding;
#   3. the host never includes a binding, but for the registry;
#   4. only lua/weir/aws uses weir.http and weir.sigv4;
#   5. C files have at most 400 lines, bindings at most 300.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

offences=0
offence() {
  echo "$1" >&2
  offences=1
}

# includes FILE…: "file:line: name" of every quoted include.
includes() { grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' "$@" | sed -E 's/:[[:space:]]*#[^"]*"([^"]*)".*/: \1/' || true; }

while IFS= read -r line; do
  [ -n "$line" ] && offence "$line (host/core never sees Lua)"
done < <(grep -HnE '#[[:space:]]*include[[:space:]]+[<"](lua|lauxlib|lualib|luaconf)\.h' host/core/*.[ch] || true)

while IFS= read -r line; do
  case "${line##* }" in core/*) ;; *) offence "$line (host/core includes host/core only)" ;; esac
done < <(includes host/core/*.[ch])

while IFS= read -r line; do
  name="${line##* }"
  file="$(basename "${line%%:*}" .c)"
  case "$name" in
    binding.h | registry.h | json_lua.h | core/*) ;;
    "${file%%_*}"_*.h) ;; # the inner header of a binding in several files: json_lua.h
    *) [ -f "host/$name" ] || offence "$line (a binding includes no other binding)" ;;
  esac
done < <(includes bindings/*.[ch])

while IFS= read -r line; do
  name="${line##* }"
  [ "$name" = registry.h ] && continue
  [ -f "bindings/$name" ] && offence "$line (the host includes no binding)"
done < <(includes host/*.[ch])

while IFS= read -r line; do
  case "$line" in lua/weir/aws/*) ;; *) [ -n "$line" ] && offence "$line (only lua/weir/aws signs and sends)" ;; esac
done < <(grep -rnE "require[ (]*[\"']weir\.(http|sigv4)[\"']" lua policies || true)

while read -r lines file; do
  limit=400
  case "$file" in bindings/*) limit=300 ;; esac
  [ "$lines" -le "$limit" ] || offence "$file: $lines lines, at most $limit"
done < <(git ls-files 'host/*.c' 'host/*.h' 'bindings/*.c' 'bindings/*.h' | xargs wc -l | grep -v ' total$')

exit "$offences"
