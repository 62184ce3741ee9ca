#!/usr/bin/env bash
# The one shape of a binding (bindings/binding.h). Prints every offence as file:line: text and ends
# with status 1 if there is any:
#   1. a function of Lua is `static int lua_<module>_<name>(lua_State *L)`, and <module> is the
#      file's own;
#   2. luaL_Reg tables are made by BINDING_FUNCTION, BINDING_METAMETHOD and BINDING_END;
#   3. options are read by type: no lua_toboolean, no luaL_check…, luaL_opt…, lua_isnumber… on what
#      a caller gave;
#   4. a signature begins with weir.<module>. or is a method's, and texts that quote one say
#      "expected";
#   5. registry.h names the file of each luaopen function, and registry.c lists each;
#   6. at most 300 lines, and a header comment that says who owns the memory.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/lint/support/offences.sh

# each "TEXT" PATTERN FILE…: an offence for every line that matches.
each() {
  local text="$1" pattern="$2" line
  shift 2
  while IFS= read -r line; do
    offence "$line ($text)"
  done < <(grep -HnE "$pattern" "$@" | sed -E 's/^([^:]*:[0-9]+):[[:space:]]*/\1: /' || true)
}

mapfile -t sources < <(files 'bindings/*.c')
mapfile -t headers < <(files 'bindings/*.h')
[ "${#sources[@]}" -gt 0 ] && [ "${#headers[@]}" -gt 0 ] || exit 1

# Functions that Lua is given.
each "a table of functions is made by BINDING_FUNCTION, BINDING_METAMETHOD and BINDING_END" \
  '\{ *"[^"]*" *, *[a-z_][a-z_0-9]* *\}|luaL_Reg .*\{ *NULL *, *NULL *\}' $(grep -lE 'luaL_Reg' "${sources[@]}" | grep -v '/registry\.c$')
each "a function of Lua is static" '^int lua_' "${sources[@]}"
for file in "${sources[@]}"; do
  module="$(basename "$file" .c)"
  while IFS= read -r line; do
    name="${line#*:}"
    matched=
    # binding_secret.c and dynamodb_value.c belong to secret and dynamodb.
    for prefix in "$module" "${module#binding_}" "${module%%_*}"; do
      case "$name" in "lua_${prefix}_"*) matched=1 ;; esac
    done
    [ -n "$matched" ] || offence "$file:${line%%:*}: $name (a function of Lua is lua_${module}_<name>)"
  done < <(grep -nE '^static int lua_[a-z0-9_]+\(lua_State \*L\)' "$file" | sed -E 's/^([0-9]+):static int ([a-z0-9_]+)\(.*/\1:\2/' || true)
done
each "Lua is given functions that are called lua_<module>_<name>" \
  'lua_push(cfunction|cclosure)\((.*, )?([a-km-z][a-z_]*|l[a-tv-z][a-z_]*)[,)]' \
  $(printf '%s\n' "${sources[@]}" | grep -v '/replay\.c$')

# Options and arguments.
each "an option is read by binding_check_boolean" 'lua_toboolean\(' \
  $(printf '%s\n' "${sources[@]}" | grep -vE '/(binding_check|json_encode|dynamodb_encode)\.c$')
each "an argument is read by binding_argument_… or binding_check_…, which coerce nothing" \
  'luaL_(check(l?string|number|integer|type|any|option|udata)|opt(l?string|number|integer))\(|lua_is(number|string)\(' "${sources[@]}"
each "fields are set by binding_set_…" \
  'lua_push(string|lstring|literal|integer|number|boolean)\(L, .*\); *lua_setfield' "${sources[@]}"
for file in "${sources[@]}"; do
  while IFS= read -r line; do
    offence "$file:$line (fields are set by binding_set_…)"
  done < <(awk '/^ *lua_push(string|lstring|literal|integer|number|boolean)\(L, /{at=NR; text=$0; next}
    at == NR - 1 && /^ *lua_setfield\(L, -2, /{sub(/^ */, "", text); print at ": " text} ' "$file" |
    { [ "$file" = bindings/binding.c ] && cat >/dev/null || cat; })
done

# Signatures.
each "a signature begins with weir.<module>. or the name of a method's object" \
  '^static const char [A-Z0-9_]*SIGNATURE\[\] = "(weir\.[a-z0-9_]+[^.a-z0-9_]|[^w][^:]*$|w[^er][^:]*$)' "${sources[@]}"

# The registry.
while IFS= read -r line; do
  opener="$(sed -E 's/.*int (luaopen_[a-z0-9_]+)\(.*/\1/' <<<"$line")"
  file="$(sed -nE 's|.*/\* ([a-z0-9_]+\.c).*|\1|p' <<<"$line")"
  if [ -z "$file" ] || ! grep -q "^int $opener(lua_State \*L) {" "bindings/$file" 2>/dev/null; then
    offence "bindings/registry.h: $opener is not in bindings/${file:-?} (each opener is listed with its file)"
  fi
  grep -q ", $opener}" bindings/registry.c || offence "bindings/registry.c: $opener is not listed"
done < <(grep -E '^int luaopen_' bindings/registry.h)
for file in "${sources[@]}"; do
  while IFS= read -r opener; do
    grep -q "^int $opener(" bindings/registry.h || offence "$file: $opener is not in bindings/registry.h"
  done < <(sed -nE 's/^int (luaopen_[a-z0-9_]+)\(.*/\1/p' "$file")
done

# Files.
for file in "${sources[@]}" "${headers[@]}"; do
  lines="$(wc -l <"$file")"
  [ "$lines" -le 300 ] || offence "$file: $lines lines, at most 300"
  head -n 1 "$file" | grep -q '^/\*' || offence "$file:1: no header comment"
done
for file in $(grep -lE '^int luaopen_' "${sources[@]}"); do
  sed '/\*\//q' "$file" | grep -q 'Memory:' || offence "$file: the header comment does not say who owns the memory"
  module="$(basename "$file" .c)"
  sed '/\*\//q' "$file" >"${TMPDIR:-/tmp}/header.$$"
  while IFS= read -r name; do
    grep -qE "(^|[^a-z_])$name([^a-z_]|$)" "${TMPDIR:-/tmp}/header.$$" ||
      offence "$file: the header comment does not describe $name"
  done < <(grep -oE 'BINDING_FUNCTION\([a-z0-9_]+, [a-z0-9_]+\)' "$file" | sed -E 's/.*, ([a-z0-9_]+)\)/\1/')
  rm -f "${TMPDIR:-/tmp}/header.$$"
done

exit "$offences"
