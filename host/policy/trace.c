/* See trace.h. Lua calls note_instruction before every instruction (deploy/lua/patches/
 * 08-trace.patch). Which way a condition went is known by the instruction that comes next in its
 * function. */
#include "policy/trace.h"

#include <stdlib.h>
#include <string.h>

#include "policy/impl.h"

/* The condition that was begun. There is one at most: none calls a function, as policies have no
 * metatables. */
typedef struct {
  size_t condition, comparison;
  bool kept; /* the comparison is */
} waiting;

typedef struct {
  const lua_Code *code;
  size_t function; /* 1 + index; 0: an empty slot */
} slot;

typedef struct {
  policy_trace_head head; /* first: decide.c looks at it */
  policy_code *code;
  slot *slots; /* by address of the code, open addressing */
  size_t slot_mask;
  const policy_function *last; /* that an instruction was noted of */
  uint64_t *counts;
  size_t new_count, first_new;
  bool keeps, is_short;
  traced_comparison *comparisons;
  size_t count, capacity, lost;
  text_buffer texts;
  waiting begun;
  bool is_waiting;
} trace;

static trace *trace_of(const policy_trace *self) {
  return (trace *)self;
}

/* ── The functions of the code, by address ── */

static size_t hash_of(const trace *self, const lua_Code *code) {
  return (size_t)(((uintptr_t)code >> 4) * 0x9e3779b97f4a7c15u >> 32) & self->slot_mask;
}

static bool open_slots(trace *self) {
  size_t count = 16;
  while (count < 2 * self->code->function_count) count *= 2;
  self->slots = calloc(count, sizeof *self->slots);
  self->slot_mask = count - 1;
  for (size_t i = 0; self->slots && i < self->code->function_count; i++) {
    size_t at = hash_of(self, self->code->functions[i].code);
    while (self->slots[at].function) at = (at + 1) & self->slot_mask;
    self->slots[at] = (slot){self->code->functions[i].code, i + 1};
  }

  return self->slots != NULL;
}

/* NULL for a function that is not the policy's: the kind's invariants. */
static const policy_function *find_function(trace *self, const lua_Code *code) {
  if (self->last && self->last->code == code) return self->last;
  size_t at = hash_of(self, code);
  while (self->slots[at].function && self->slots[at].code != code) at = (at + 1) & self->slot_mask;
  if (!self->slots[at].function) return NULL;
  self->last = &self->code->functions[self->slots[at].function - 1];

  return self->last;
}

/* ── Values ── */

/* The value on top of the stack; pops it. */
static traced_value take_value(lua_State *L, trace *self) {
  traced_value value = {.type = TRACED_OTHER};
  switch (lua_type(L, -1)) {
  case LUA_TNIL: value.type = TRACED_NIL; break;
  case LUA_TBOOLEAN:
    value.type = TRACED_FLAG;
    value.flag = lua_toboolean(L, -1);
    break;
  case LUA_TNUMBER:
    value.type = lua_isinteger(L, -1) ? TRACED_INTEGER : TRACED_NUMBER;
    value.integer = lua_tointeger(L, -1);
    value.number = lua_tonumber(L, -1);
    break;
  case LUA_TSTRING: {
    const char *text = lua_tolstring(L, -1, &value.size);
    value.type = TRACED_TEXT;
    value.text = self->texts.size;
    text_buffer_append(&self->texts, text, value.size);
    break;
  }
  default: value.other_type = lua_typename(L, lua_type(L, -1));
  }

  lua_pop(L, 1);

  return value;
}

static traced_value read_operand(lua_State *L, trace *self, const lua_Code *code,
                                 const condition_operand *operand) {
  switch (operand->type) {
  case OPERAND_REGISTER: lua_pushregister(L, operand->at); break;
  case OPERAND_CONSTANT: lua_pushcodeconstant(L, code, operand->at); break;
  case OPERAND_INTEGER: lua_pushinteger(L, operand->integer); break;
  default: return (traced_value){.type = TRACED_NIL};
  }

  return take_value(L, self);
}

static bool make_room(trace *self) {
  if (self->count == TRACE_COMPARISONS_MAX) return false;
  if (self->count < self->capacity) return true;
  size_t capacity = self->capacity ? 2 * self->capacity : 64;
  traced_comparison *grown = realloc(self->comparisons, capacity * sizeof *grown);
  if (!grown) {
    self->is_short = true;
    return false;
  }

  self->comparisons = grown;
  self->capacity = capacity;

  return true;
}

/* ── Conditions ── */

static void count(trace *self, size_t at) {
  if (self->counts[at]++ > 0) return;
  if (self->new_count++ == 0) self->first_new = at;
}

static void begin_condition(lua_State *L, trace *self, size_t condition) {
  const policy_condition *c = &self->code->conditions[condition];
  self->begun = (waiting){.condition = condition, .comparison = self->count};
  self->is_waiting = true;
  if (!self->keeps) return;
  if (!make_room(self)) {
    self->lost++;
    return;
  }

  self->begun.kept = true;
  const lua_Code *code = self->code->functions[c->function].code;
  traced_value left = read_operand(L, self, code, &c->left);
  traced_value right = read_operand(L, self, code, &c->right);
  self->comparisons[self->count++] = (traced_comparison){condition, left, right, OUTCOME_NONE};
}

/* The instruction that comes after the condition, if it is one of its two; else an error ended the
 * condition, and was caught. */
static void end_condition(trace *self, size_t function, int pc) {
  const waiting *begun = &self->begun;
  self->is_waiting = false;
  const policy_condition *c = &self->code->conditions[begun->condition];
  bool jumped = pc == c->jump;
  if (c->function != function || (!jumped && pc != c->pc + 2)) return;
  condition_outcome outcome = jumped == c->jumps_when ? OUTCOME_TRUE : OUTCOME_FALSE;
  count(self, policy_trace_place(self->code, begun->condition, outcome));
  if (begun->kept) self->comparisons[begun->comparison].outcome = outcome;
}

static void note_instruction(lua_State *L, const lua_Code *code, int pc) {
  trace *self = trace_of(policy_sandbox_at(L)->question->trace);
  const policy_function *f = find_function(self, code);
  if (!f) return;
  count(self, f->before + (size_t)pc);
  if (self->is_waiting) end_condition(self, (size_t)(f - self->code->functions), pc);
  if (f->decided[pc]) begin_condition(L, self, (size_t)f->decided[pc] - 1);
}

/* ── The trace itself ── */

policy_trace *policy_trace_new(policy_sandbox *sandbox, const char *kind, size_t kind_size) {
  trace *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->head.tracer = note_instruction;
  self->code = policy_code_new(sandbox, kind, kind_size);
  self->keeps = true;
  if (self->code) self->counts = calloc(policy_trace_size(self->code) + 1, sizeof *self->counts);
  if (self->counts && open_slots(self)) return &self->head;
  policy_trace_free(&self->head);

  return NULL;
}

void policy_trace_free(policy_trace *head) {
  trace *self = trace_of(head);
  if (!self) return;
  policy_code_free(self->code);
  text_buffer_free(&self->texts);
  free(self->slots);
  free(self->counts);
  free(self->comparisons);
  free(self);
}

const policy_code *policy_trace_code(const policy_trace *self) {
  return trace_of(self)->code;
}

size_t policy_trace_size(const policy_code *code) {
  return code->size + 2 * code->condition_count;
}

const uint64_t *policy_trace_counts(const policy_trace *self) {
  return trace_of(self)->counts;
}

void policy_trace_start(policy_trace *head, const uint64_t *counts) {
  trace *self = trace_of(head);
  size_t size = policy_trace_size(self->code) * sizeof *counts;
  if (counts)
    memcpy(self->counts, counts, size);
  else
    memset(self->counts, 0, size);
  self->new_count = 0;
  self->is_waiting = false;
  policy_trace_keep(head, false);
}

void policy_trace_keep(policy_trace *head, bool keep) {
  trace *self = trace_of(head);
  self->keeps = keep;
  self->count = self->lost = 0;
  self->is_short = false;
  text_buffer_clear(&self->texts);
}

size_t policy_trace_take_new(policy_trace *head, size_t *first) {
  trace *self = trace_of(head);
  size_t taken = self->new_count;
  *first = self->first_new;
  self->new_count = 0;

  return taken;
}

const traced_comparison *policy_trace_comparisons(const policy_trace *head, size_t *count,
                                                  size_t *lost) {
  const trace *self = trace_of(head);
  *count = self->count;
  *lost = self->lost;
  return self->comparisons;
}

const char *policy_trace_texts(const policy_trace *self) {
  const text_buffer *texts = &trace_of(self)->texts;
  return texts->data ? texts->data : "";
}

bool policy_trace_is_short(const policy_trace *self) {
  return trace_of(self)->is_short || trace_of(self)->texts.failed;
}
