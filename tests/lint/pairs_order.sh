#!/usr/bin/env bash
# No order of `pairs` or `next` reaches a result in the program's own Lua; see pairs_order.lua.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mapfile -t files < <(git ls-files 'lua/*.lua' 'docs/*.lua' 'deploy/*.lua')
exec lua5.4 -e 'package.path = "lua/?.lua;tests/?.lua"' \
  -e 'os.exit(require("lint.pairs_order").main(arg))' - "${files[@]}" </dev/null
