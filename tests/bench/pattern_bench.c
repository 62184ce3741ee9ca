/* Event patterns on citylots-like events (GeoJSON features of some 836 bytes). Each kind of rule
 * five times and a thousand times, in turn; the wanted fields come first in an event, and in the
 * row "fields last" last. Every kind of rule is made of the events, so that rules match. Run by
 * ./dev bench pattern. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench_row.h"
#include "core/json/index.h"
#include "core/pattern/pattern.h"

enum { EVENTS = 2000, MOST_ROUNDS = 64, FEW_RULES = 5, MANY_RULES = 1000 };

/* What an event is made of, and a rule. */
typedef struct {
  unsigned id, block, lot, from, lots, area, zone;
  double x, y;
  char street[16];
} fields;

typedef struct {
  fields made_of[EVENTS];
  char *text[EVENTS];
  size_t size[EVENTS];
  size_t total;
} event_file;

static uint64_t random_state = 0x243f6a8885a308d3u;

static uint32_t random_below(uint32_t bound) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)((random_state >> 33) % bound);
}

static const char *const STREETS[] = {"UNKNOWN",  "JEFFERSON", "CRANLEIGH", "CANTERA", "MISSION",
                                      "VALENCIA", "GEARY",     "CLEMENT",   "BALBOA",  "TARAVAL"};

static fields draw_fields(unsigned id) {
  fields of = {.id = id,
               .block = random_below(9000),
               .lot = random_below(200),
               .from = random_below(4000),
               .lots = random_below(2000),
               .area = random_below(5000),
               .zone = 1 + random_below(3),
               .x = -122.3 - random_below(200000) / 1e6,
               .y = 37.7 + random_below(100000) / 1e6};
  snprintf(of.street, sizeof of.street, "%s", STREETS[random_below(10)]);
  return of;
}

/* What no event has. */
static fields foreign_fields(unsigned i) {
  fields of = {.id = EVENTS + i,
               .block = 9000 + i % 1000,
               .lot = 220 + i / 10 % 80, /* begins as no lot of an event does */
               .from = 5000 + i,
               .lots = 3000 + i,
               .area = 6000 + i,
               .x = -121 - i / 1e5,
               .y = 39 + i / 1e5};
  snprintf(of.street, sizeof of.street, "STREET %u", i % 10000);
  return of;
}

static void add_properties(text_buffer *out, const fields *of) {
  text_buffer_format(out,
                     "\"properties\": { \"MAPBLKLOT\": \"%04u%03u\", "
                     "\"BLKLOT\": \"%04u%03u\", \"BLOCK_NUM\": \"%04u\", \"LOT_NUM\": \"%03u\", "
                     "\"FROM_ST\": \"%u\", \"TO_ST\": \"%u\", \"STREET\": \"%s\", "
                     "\"ST_TYPE\": \"ST\", \"ODD_EVEN\": \"%s\", \"CITY\": \"SAN FRANCISCO\", "
                     "\"ZONING\": \"RH-%u\", \"ID\": \"%u\" }",
                     of->block, of->lot, of->block, of->lot, of->block, of->lot, of->from,
                     of->from + 2, of->street, of->from % 2 ? "O" : "E", of->zone, of->id);
}

static void add_geometry(text_buffer *out, const fields *of) {
  text_buffer_format(out,
                     "\"geometry\": { \"type\": \"Polygon\", \"area\": %u.5, \"lots\": %u, "
                     "\"coordinates\": [ [ ",
                     of->area, of->lots);
  for (int i = 0; i < 9; i++)
    text_buffer_format(out, "%s[ %.15f, %.15f, 0.0 ]", i ? ", " : "", of->x + i * 1.07e-5,
                       of->y + i * 0.93e-5);
  text_buffer_text(out, " ] ] }");
}

static void make_event(text_buffer *out, const fields *of, bool fields_last) {
  text_buffer_text(out, "{ \"type\": \"Feature\", ");
  if (fields_last) {
    add_geometry(out, of);
    text_buffer_text(out, ", ");
  }
  add_properties(out, of);
  if (!fields_last) {
    text_buffer_text(out, ", ");
    add_geometry(out, of);
  }
  text_buffer_text(out, " }");
}

static event_file *make_events(bool fields_last) {
  event_file *events = calloc(1, sizeof *events);
  for (unsigned i = 0; events && i < EVENTS; i++) {
    text_buffer text = {0};
    events->made_of[i] = draw_fields(i);
    make_event(&text, &events->made_of[i], fields_last);
    events->text[i] = text.data;
    events->size[i] = text.size;
    events->total += text.size;
  }
  return events;
}

static void free_events(event_file *events) {
  for (unsigned i = 0; i < EVENTS; i++) free(events->text[i]);
  free(events);
}

typedef void (*rule_maker)(text_buffer *out, const fields *of);

static void exact_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[\"%04u%03u\"]}}", of->block, of->lot);
}

static void three_fields_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out,
                     "{\"type\":[\"Feature\"],\"properties\":{\"STREET\":[\"%s\"],"
                     "\"BLOCK_NUM\":[\"%04u\"]}}",
                     of->street, of->block);
}

static void prefix_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[{\"prefix\":\"%04u\"}]}}", of->block);
}

static void suffix_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[{\"suffix\":\"%u%03u\"}]}}",
                     of->block % 10, of->lot);
}

static void wildcard_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[{\"wildcard\":\"%04u*%02u\"}]}}",
                     of->block, of->lot % 100);
}

static void inner_wildcard_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[{\"wildcard\":\"*%03u%03u*\"}]}}",
                     of->block % 1000, of->lot);
}

static void ignore_case_rule(text_buffer *out, const fields *of) {
  char street[sizeof of->street];
  for (size_t i = 0; i < sizeof street; i++) street[i] = (char)tolower(of->street[i]);
  text_buffer_format(out, "{\"properties\":{\"STREET\":[{\"equals-ignore-case\":\"%s\"}]}}",
                     street);
}

static void anything_but_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out,
                     "{\"properties\":{\"ID\":[\"%u\"],\"STREET\":[{\"anything-but\":"
                     "\"not %s\"}]}}",
                     of->id, of->street);
}

static void numeric_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out, "{\"geometry\":{\"lots\":[{\"numeric\":[\"=\",%u]}]}}", of->lots);
}

static void range_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out, "{\"geometry\":{\"area\":[{\"numeric\":[\">\",%u,\"<=\",%u.5]}]}}",
                     of->area, of->area);
}

static void nested_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out, "{\"geometry\":{\"coordinates\":[{\"numeric\":[\"=\",%.15f]}]}}", of->x);
}

static void nested_fields_rule(text_buffer *out, const fields *of) {
  text_buffer_format(out,
                     "{\"geometry\":{\"type\":[\"Polygon\"],\"coordinates\":[{\"numeric\":"
                     "[\">=\",%.7f,\"<\",%.7f]}]}}",
                     of->y, of->y + 1e-7);
}

/* The first rules are made of events all over the file, the others of what no event has. */
static void make_rule(text_buffer *out, rule_maker make, const event_file *events, unsigned i) {
  fields of = i < FEW_RULES ? events->made_of[i * (EVENTS / FEW_RULES)] : foreign_fields(i);
  make(out, &of);
}

/* The rules `first` to `first + count - 1`. */
static pattern_set *compile(rule_maker make, const event_file *events, unsigned first,
                            unsigned count) {
  pattern_source *sources = calloc(count, sizeof *sources);
  text_buffer *texts = calloc(count, sizeof *texts);
  if (!sources || !texts) exit(1);
  for (unsigned i = 0; i < count; i++) {
    make_rule(&texts[i], make, events, first + i);
    sources[i] = (pattern_source){texts[i].data, texts[i].size};
  }
  pattern_error error;
  pattern_set *set = pattern_compile(sources, count, &error);
  if (!set) fprintf(stderr, "%.*s\n", (int)error.message.size, error.message.data);
  if (!set) exit(1);
  text_buffer_free(&error.message);
  for (unsigned i = 0; i < count; i++) text_buffer_free(&texts[i]);
  free(texts);
  free(sources);
  return set;
}

/* Matches in all events. */
static size_t count_matches(const event_file *events, const pattern_set *set,
                            pattern_scratch *scratch) {
  size_t matches = 0;
  for (unsigned i = 0; i < EVENTS; i++) {
    pattern_result result;
    if (!pattern_match(set, scratch, events->text[i], events->size[i], &result)) exit(1);
    matches += result.count;
  }
  return matches;
}

/* Events per second in one run over all events; the matches must be those that were made. */
static double run_once(const event_file *events, const pattern_set *set, pattern_scratch *scratch,
                       size_t expected) {
  size_t passes = bench_count(50), matches = 0;
  double begin = bench_now();
  for (size_t pass = 0; pass < passes; pass++) matches += count_matches(events, set, scratch);
  double rate = (double)(passes * EVENTS) / (bench_now() - begin);
  if (matches == passes * expected) return rate;
  fprintf(stderr, "pattern: %zu matches instead of %zu\n", matches / passes, expected);
  exit(1);
}

/* What the rules match one by one: each alone is compiled to the simplest machine. */
static size_t expected_matches(rule_maker make, const event_file *events) {
  size_t matches = 0;
  for (unsigned i = 0; i < FEW_RULES; i++) {
    pattern_set *one = compile(make, events, i, 1);
    pattern_scratch *scratch = pattern_scratch_new(one);
    if (!scratch) exit(1);
    size_t of_one = count_matches(events, one, scratch);
    if (of_one == 0) {
      fprintf(stderr, "pattern: a rule does not match the event that it is made of\n");
      exit(1);
    }
    matches += of_one;
    pattern_scratch_free(scratch);
    pattern_free(one);
  }
  return matches;
}

/* Samples of 5 rules and of many, taken in turn. */
static size_t measure(const event_file *events, rule_maker make, size_t rounds,
                      double samples[2][MOST_ROUNDS]) {
  static const unsigned counts[2] = {FEW_RULES, MANY_RULES};
  pattern_set *sets[2];
  pattern_scratch *scratches[2];
  size_t expected = expected_matches(make, events);
  for (int k = 0; k < 2; k++) {
    sets[k] = compile(make, events, 0, counts[k]);
    scratches[k] = pattern_scratch_new(sets[k]);
    if (!scratches[k]) exit(1);
    run_once(events, sets[k], scratches[k], expected); /* warms up */
  }
  for (size_t round = 0; round < rounds; round++)
    for (int k = 0; k < 2; k++)
      samples[k][round] = run_once(events, sets[k], scratches[k], expected);
  for (int k = 0; k < 2; k++) {
    pattern_scratch_free(scratches[k]);
    pattern_free(sets[k]);
  }
  return expected;
}

static bool scan_whole(json_index *index, const char *text, size_t size) {
  (void)index;
  json_scan scan;
  json_scan_begin(&scan, text, size);
  return json_scan_validate(&scan);
}

typedef bool (*checker)(json_index *, const char *, size_t);

/* What checking the whole event costs alone. */
static void print_checking(const char *name, const event_file *events, checker check) {
  json_index index = {0};
  double samples[MOST_ROUNDS];
  size_t rounds = bench_rounds(MOST_ROUNDS), passes = bench_count(50);
  for (size_t round = 0; round < rounds; round++) {
    double begin = bench_now();
    for (size_t pass = 0; pass < passes; pass++)
      for (unsigned i = 0; i < EVENTS; i++)
        if (!check(&index, events->text[i], events->size[i])) exit(1);
    samples[round] = (double)(passes * EVENTS) / (bench_now() - begin);
  }
  json_index_free(&index);
  bench_row_print(&(bench_row){.name = name,
                               .unit = "events/s of processor time",
                               .equal_work = "no peer; every byte of the event is checked as JSON",
                               .ours = samples,
                               .samples = rounds});
}

typedef struct {
  const char *name;
  rule_maker make;
  double target; /* events/s with 5 rules; 0 where none is set */
  const char *peer, *note;
  bool fields_last;
} rule_kind;

static void print_kind(const rule_kind *kind, const event_file *events) {
  static double samples[2][MOST_ROUNDS];
  char work[160], name[64];
  size_t rounds = bench_rounds(MOST_ROUNDS);
  size_t matches = measure(events, kind->make, rounds, samples);
  snprintf(work, sizeof work,
           "all of each event is checked as JSON; in %d events of %zu bytes %zu matches", EVENTS,
           events->total / EVENTS, matches);
  bench_row_print(&(bench_row){.name = kind->name,
                               .peer = kind->peer,
                               .note = kind->note,
                               .unit = "events/s of processor time",
                               .equal_work = work,
                               .ours = samples[0],
                               .samples = rounds,
                               .target_of = kind->target > 0 ? "ours" : NULL,
                               .least = kind->target});
  snprintf(name, sizeof name, "%s, 1,000 rules", kind->name);
  bench_row_print(&(bench_row){.name = name,
                               .peer = "weir with 5 rules",
                               .unit = "events/s of processor time",
                               .equal_work = work,
                               .ours = samples[1],
                               .theirs = samples[0],
                               .samples = rounds});
}

static const char QUAMINA[] = "to measure quamina: tests/bench/README.md";

int main(void) {
  static const rule_kind kinds[] = {
      {"exact", exact_rule, 3e6, "quamina", QUAMINA, false},
      {"exact, fields last", exact_rule, 2.5e6, "quamina", QUAMINA, true},
      {.name = "three fields", .make = three_fields_rule},
      {.name = "prefix", .make = prefix_rule},
      {.name = "suffix", .make = suffix_rule},
      {.name = "wildcard", .make = wildcard_rule},
      {.name = "wildcard inside", .make = inner_wildcard_rule},
      {.name = "equals-ignore-case", .make = ignore_case_rule},
      {.name = "anything-but", .make = anything_but_rule},
      {.name = "numeric", .make = numeric_rule, .target = 1e6},
      {.name = "numeric range", .make = range_rule},
      {.name = "nested arrays", .make = nested_rule, .target = 5e5},
      {.name = "nested, two fields", .make = nested_fields_rule},
  };
  event_file *files[] = {make_events(false), make_events(true)};
  if (!files[0] || !files[1]) return 1;
  json_index index = {0};
  print_checking("scanning only", files[0], scan_whole);
  if (json_index_text(&index, files[0]->text[0], files[0]->size[0]))
    print_checking("indexing only", files[0], json_index_text);
  json_index_free(&index);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    print_kind(&kinds[i], files[kinds[i].fields_last]);
  for (int i = 0; i < 2; i++) free_events(files[i]);
  return 0;
}
