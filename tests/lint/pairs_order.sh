#!/usr/bin/env bash
# No order of `pairs` or `next` reaches a result in the program's own Lua; see pairs_order.lua.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/lint/support/offences.sh

found="$(files 'lua/**/*.lua' 'docs/**/*.lua' 'deploy/**/*.lua')"
mapfile -t names <<<"$found"
exec lua5.4 -e 'package.path = "lua/?.lua;tests/?.lua"' \
  -e 'os.exit(require("lint.pairs_order").main(arg))' - "${names[@]}" </dev/null
