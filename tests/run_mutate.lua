-- ./dev mutate runs this: weir lua tests/run_mutate.lua [--list] [--near] [N] [SEED] [PATH…]
package.path = "tests/?.lua;" .. package.path
os.exit(require("mutate.main").main(arg), true)
