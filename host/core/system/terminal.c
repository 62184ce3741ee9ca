/* See terminal.h. */
#include "core/system/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_is_terminal(int descriptor) {
  return isatty(descriptor) == 1;
}

int terminal_columns(int descriptor) {
  struct winsize window;
  if (ioctl(descriptor, TIOCGWINSZ, &window) != 0) return 0;
  return window.ws_col;
}
