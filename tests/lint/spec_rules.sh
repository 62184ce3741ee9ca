#!/usr/bin/env bash
# Assertions that hold whatever the program does. Prints every offence as file:line: text and ends with
# status 1 if there is any:
#   1. an error is expected, and any will do: a nil that is indexed is one, too;
#   2. a value is compared with itself;
#   3. a pattern matches every text;
#   4. the result of pcall or xpcall is dropped;
#   5. what is asserted is written as true.
# What makes no assertion at all fails when it runs: tests/support/assertions.lua.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/lint/support/offences.sh

mapfile -t specs < <(files 'tests/**/*_spec.lua')
[ "${#specs[@]}" -gt 0 ] || exit 1

# each "TEXT" PATTERN: an offence for every line that matches.
each() {
  local text="$1" pattern="$2" line
  while IFS= read -r line; do
    offence "$line ($text)"
  done < <(grep -HnE "$pattern" "${specs[@]}" || true)
}

each "name the error's text: assert.error_matches(function, text)" \
  'assert\.(has[_.])?errors?\((function\(.* end|[a-z_.]+)\)'
each "the value is compared with itself" \
  'assert\.(are\.)?(equal|same)\(([A-Za-z_][A-Za-z_.0-9]*), \3\)'
each "the pattern matches every text" "assert\.(matches|match)\((\"\"|\"[.][*]\"|''|'[.][*]')"
each "the result of pcall is dropped" '^ *x?pcall\('
each "what is asserted is written as true" 'assert\.?(is_true|is_truthy|truthy|True)?\(true[,)]'

exit "$offences"
