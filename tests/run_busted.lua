-- Runs Busted inside weir, so that specs see the very modules that ship:
--   weir lua tests/run_busted.lua [BUSTED OPTION…] DIR…
package.path = "tests/?.lua;" .. package.path
require("busted.runner")({ standalone = false })
