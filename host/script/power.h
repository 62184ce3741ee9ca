/* x ^ y in Lua, to the same bit on every machine and with every C library: libraries' pow differ in
 * the last digit, by version and by what the processor has.
 *
 * Only additions, multiplications, divisions and square roots are used, which IEEE 754 defines to
 * the last bit, in pairs of doubles: the result is the nearest double in all but some of a million
 * cases, and exact where it can be. Memory: none. */
#ifndef WEIR_SCRIPT_POWER_H
#define WEIR_SCRIPT_POWER_H

/* As C's pow. Called by Lua (deploy/lua/patches/06-power.patch), and by luac for constants. */
double script_power(double x, double y);

#endif
