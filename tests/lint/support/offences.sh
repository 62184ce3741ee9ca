# What the lint scripts share. Source it from the root of the repository.
set -euo pipefail

offences=0

# offence TEXT: prints it and makes the script fail in the end.
offence() {
  echo "$1" >&2
  offences=1
}

# files PATTERN…: the files that git tracks and that match. A pattern that matches none is an offence:
# after a folder was renamed a rule must not hold because it looks at nothing.
files() {
  local pattern found
  for pattern in "$@"; do
    found="$(git ls-files -- ":(glob)$pattern")"
    if [ -n "$found" ]; then
      echo "$found"
    else
      echo "the pattern '$pattern' matches no file: a lint rule looks at nothing" >&2
      return 1
    fi
  done
}
