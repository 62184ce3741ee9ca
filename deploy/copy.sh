# Sourced by deploy/layer/check.sh and deploy/package/check.sh, in the directory of the tree.

# copy_tree DIRECTORY: the tracked and the new files, what was downloaded, and the programs that build
# the others, as a second place to build in.
copy_tree() {
  local tree="$1"
  mkdir -p "$tree/build/layer" "$tree/build/lua" "$tree/build/dev"
  git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$tree"
  cp -r build/layer/downloads "$tree/build/layer/downloads"
  cp -r build/lua/downloads "$tree/build/lua/downloads"
  cp build/dev/weir build/dev/luac build/dev/lua5.4 "$tree/build/dev/"
}
