#!/usr/bin/env bash
# Who may include whom, and how long a file may be. Prints every offence as file:line: text and ends
# with status 1 if there is any.
#   1. A folder of host/ includes itself and the folders that `sees` names below. host/core never sees Lua.
#      host/main.c sees the registry of bindings, script, lambda and core. Our own headers stand in quotes.
#   2. `impl.h` is a folder's private header: nobody else includes it.
#   3. A binding sees every folder, binding.h, registry.h, json_lua.h (Lua values as JSON, which bodies
#      and items hold too) and the inner headers of its own family, such as dynamodb_value.h.
#   4. Only lua/weir/aws uses weir.http and weir.sigv4.
#   5. A C file has at most 400 lines, a binding at most 300.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/lint/support/offences.sh

core_leaves="core/text core/system"
core_base="$core_leaves core/json core/secret"
core_all="$core_base core/pattern core/stats core/aws core/http core/policy_files core/recording core/runtime_api"
declare -A sees=(
  [core/text]=""
  [core/system]="core/text"
  [core/json]="$core_leaves"
  [core/secret]="$core_leaves"
  [core/pattern]="$core_base"
  [core/stats]="$core_leaves"
  [core/aws]="$core_base"
  [core/http]="$core_base"
  [core/policy_files]="$core_base"
  [core/recording]="$core_base"
  [core/runtime_api]="$core_base core/pattern core/aws core/http core/policy_files core/recording"
  [script]="$core_all"
  [sandbox]="$core_all script"
  [policy]="$core_all script sandbox"
  [replay]="$core_all script sandbox policy"
  [explore]="$core_all script sandbox policy"
  [simulate]="$core_all script sandbox policy"
  [lambda]="$core_all script"
  [emulator]="$core_all"
)

# includes FILE…: "file:line: name" of every quoted include.
includes() {
  grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' "$@" | sed -E 's/:[[:space:]]*#[^"]*"([^"]*)".*/: \1/' || true
}

# listed WORD LIST
listed() { [[ " $2 " == *" $1 "* ]]; }

check_folder() {
  local folder="$1" line name target
  while IFS= read -r line; do
    name="${line##* }"
    target="$(dirname "$name")"
    if [ "$target" = . ]; then
      offence "$line (host/ includes headers by their folder: \"core/text/text_buffer.h\")"
    elif [ "$target" != "$folder" ] && ! listed "$target" "${sees[$folder]}"; then
      offence "$line (host/$folder must not see host/$target)"
    elif [ "$target" != "$folder" ] && [ "$(basename "$name")" = impl.h ]; then
      offence "$line (impl.h is private to host/$target)"
    fi
  done < <(includes $folder_files)
}

for folder in "${!sees[@]}"; do
  folder_files="$(files "host/$folder/*.[ch]")"
  check_folder "$folder"
done

sources="$(files 'host/**/*.[ch]' 'bindings/*.[ch]')"
own_folders="$(files 'host/*/*.h' 'host/*/*/*.h' | sed -E 's|^host/(.*)/[^/]*$|\1|' | sort -u | paste -sd'|')"
while IFS= read -r line; do
  offence "$line (our own headers are included in quotes)"
done < <(grep -HnE "^[[:space:]]*#[[:space:]]*include[[:space:]]+<($own_folders)/" $sources || true)

main_file="$(files 'host/main.c')"
while IFS= read -r line; do
  name="${line##* }"
  case "$name" in
    */impl.h) offence "$line (impl.h is private to host/$(dirname "$name"))" ;;
    registry.h | script/* | lambda/* | core/*) ;;
    *) offence "$line (host/main.c must not see it)" ;;
  esac
done < <(includes "$main_file")

host_files="$(files 'host/*/**')"
while IFS= read -r folder; do
  [ -n "${sees[$folder]+known}" ] || offence "host/$folder: tests/lint/include_rules.sh does not say what it may see"
done < <(sed -E 's|^host/(.*)/[^/]*$|\1|' <<<"$host_files" | sort -u)

core_files="$(files 'host/core/*/*.[ch]')"
while IFS= read -r line; do
  offence "$line (host/core never sees Lua)"
done < <(grep -HnE '#[[:space:]]*include[[:space:]]+[<"](lua|lauxlib|lualib|luaconf)\.h' $core_files || true)

binding_files="$(files 'bindings/*.[ch]')"
while IFS= read -r line; do
  name="${line##* }"
  file="$(basename "${line%%:*}" .c)"
  case "$name" in
    binding.h | registry.h | coverage_lua.h | json_lua.h | secret_clean.h | secret_walk.h) ;;
    "${file%%_*}"_*.h) ;;
    */impl.h) offence "$line (impl.h is private to host/$(dirname "$name"))" ;;
    *) [ -f "host/$name" ] || offence "$line (a binding includes no other binding)" ;;
  esac
done < <(includes $binding_files)

lua_files="$(files 'lua/**/*.lua' 'policies/**/*.lua')"
while IFS= read -r line; do
  case "$line" in lua/weir/aws/*) ;; *) offence "$line (only lua/weir/aws signs and sends)" ;; esac
done < <(grep -HnE "require[ (]*[\"']weir\.(http|sigv4)[\"']" $lua_files || true)

while read -r lines file; do
  limit=400
  case "$file" in bindings/*) limit=300 ;; esac
  [ "$lines" -le "$limit" ] || offence "$file: $lines lines, at most $limit"
done < <(xargs wc -l <<<"$sources" | grep -v ' total$')

exit "$offences"
