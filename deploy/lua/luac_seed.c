/* The seed of luac's state. What luac writes does not depend on it. */
unsigned script_seed_of_new_state(void) {
  return 0;
}
