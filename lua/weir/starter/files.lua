-- What `weir new` writes beside the policies: a page on the set, and the workflow that GitHub runs
-- for a pull request. docs/pull-requests.md explains the workflow.
local files = {}

local README = [==[
# Policies

| file | |
|---|---|
%s
| `examples/*.jsonl` | recorded decisions that `weir test` wants again, and `weir diff` compares |
| `.github/workflows/policies.yml` | what a pull request is checked for |
| `.weir/` | what editors read of facts and parameters; not in git, `weir stubs .` makes it again |

```sh
weir check .                                   # does the set load, and does it say what it means
weir test .                                    # every example, one by one
weir diff OLD . examples/*.jsonl               # what an edit changes
weir example yesterday.jsonl:189 -p . --add    # keep a decision of production right
```

`weir help VERB` explains a verb, `weir help KIND` the facts and decisions of a kind.
]==]

local WORKFLOW = [==[
# Checks a change of the policies, tests it, and writes into the pull request what it would decide
# otherwise. It belongs into .github/workflows/ at the root of the repository.
name: policies

on:
  pull_request:

permissions:
  contents: read
  pull-requests: write

env:
  # The policy set, and what the comparison decides again, from the root of the repository. A day of
  # your own log says more than the examples.
  POLICIES: "%s"
  RECORDING: "%s"

jobs:
  policies:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0

      - name: Install weir
        env:
          WEIR_PACKAGE: ${{ vars.WEIR_PACKAGE }}
        run: |
          curl --fail --silent --show-error --location \
            --output "$RUNNER_TEMP/weir.deb" "$WEIR_PACKAGE"
          sudo dpkg --install "$RUNNER_TEMP/weir.deb"

      - name: Check
        run: weir check "$POLICIES" --github

      - name: Test
        run: weir test "$POLICIES" --min-coverage 80 --junit "$RUNNER_TEMP/tests.xml"

      - name: Compare with the branch that it goes into
        run: |
          git worktree add --quiet "$RUNNER_TEMP/before" "origin/$GITHUB_BASE_REF"
          status=0
          weir diff "$RUNNER_TEMP/before/$POLICIES" "$POLICIES" "$RECORDING" \
            --markdown >"$RUNNER_TEMP/diff.md" || status=$?
          # 1: some decisions change. That is for people to judge.
          [ "$status" -le 1 ]

      - name: Comment
        env:
          GH_TOKEN: ${{ github.token }}
          PULL_REQUEST: ${{ github.event.pull_request.number }}
        run: |
          gh pr comment "$PULL_REQUEST" --body-file "$RUNNER_TEMP/diff.md" \
            --edit-last --create-if-none
]==]

-- readme(rows): what the policies decide, as rows of a table
function files.readme(rows) return README:format(rows) end

-- workflow(policies, recording): their paths from the root of the repository
function files.workflow(policies, recording) return WORKFLOW:format(policies, recording) end

return files
