/* The seeds of the states of luac and lua5.4. What they write does not depend on them. */
unsigned script_seed_of_new_state(void);
unsigned long long script_seed_of_strings(void);

unsigned script_seed_of_new_state(void) {
  return 0;
}

unsigned long long script_seed_of_strings(void) {
  return 0;
}
