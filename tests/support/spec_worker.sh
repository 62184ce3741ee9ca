#!/bin/sh
# Runs one spec file for support.spec_runner: sh spec_worker.sh WEIR FOLDER NUMBER FILE. What the file
# prints goes to FOLDER/NUMBER.log. When it has ended, one line says how: NUMBER STATUS MILLISECONDS.
# The file's temporary folder is its own, its home too, and removed with all that was left in it.
export TMPDIR="$2/$3" HOME="$2/$3"
mkdir -m 755 "$TMPDIR"
start=$(date +%s%3N)
"$1" lua tests/run_busted.lua --output=plainTerminal "$4" >"$2/$3.log" 2>&1 </dev/null
status=$?
rm -rf "$TMPDIR"
echo "$3 $status $(($(date +%s%3N) - start))"
