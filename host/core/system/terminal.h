/* What the command line needs to know of its terminal.
 * Memory: none is kept. */
#ifndef WEIR_CORE_SYSTEM_TERMINAL_H
#define WEIR_CORE_SYSTEM_TERMINAL_H

#include <stdbool.h>

bool terminal_is_terminal(int descriptor);

/* Columns of the window; 0 when it is not a terminal or does not say. */
int terminal_columns(int descriptor);

#endif
