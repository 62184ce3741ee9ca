/* The seeds of luac's state. What luac writes does not depend on them. */
unsigned script_seed_of_new_state(void);
unsigned long long script_seed_of_strings(void);

unsigned script_seed_of_new_state(void) {
  return 0;
}

unsigned long long script_seed_of_strings(void) {
  return 0;
}
