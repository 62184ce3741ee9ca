/* Event patterns on citylots-like events (GeoJSON features of some 836 bytes): events per second
 * on one thread, best of several runs, and the ratio of 1,000 rules to 5. The wanted fields come
 * first in an event, and in the rows "fields last" last.
 *
 * quamina, which these rows are compared with, is written in Go and not in the registries that the
 * other peers come from. To measure it: `go test -bench CityLots` in a clone of
 * github.com/timbray/quamina on the same machine, the same five rules, with GOMAXPROCS=1.
 * Run: build/dev/tests/pattern_bench */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/json/index.h"
#include "core/pattern/pattern.h"

enum { EVENTS = 2000, RUNS = 9, PASSES = 5, MANY_RULES = 1000 };

typedef struct {
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

static void add_ring(text_buffer *out) {
  double x = -122.3 - random_below(200000) / 1e6, y = 37.7 + random_below(100000) / 1e6;
  for (int i = 0; i < 9; i++)
    text_buffer_format(out, "%s[ %.15f, %.15f, 0.0 ]", i ? ", " : "", x + i * 1.07e-5,
                       y + i * 0.93e-5);
}

static void add_properties(text_buffer *out, unsigned id) {
  unsigned block = random_below(9000), lot = random_below(200), from = random_below(4000);
  text_buffer_format(out,
                     "\"properties\": { \"MAPBLKLOT\": \"%04u%03u\", "
                     "\"BLKLOT\": \"%04u%03u\", \"BLOCK_NUM\": \"%04u\", \"LOT_NUM\": \"%03u\", "
                     "\"FROM_ST\": \"%u\", \"TO_ST\": \"%u\", \"STREET\": \"%s\", "
                     "\"ST_TYPE\": \"ST\", \"ODD_EVEN\": \"%s\", \"CITY\": \"SAN FRANCISCO\", "
                     "\"ZONING\": \"RH-%u\", \"ID\": \"%u\" }",
                     block, lot, block, lot, block, lot, from, from + 2, STREETS[random_below(10)],
                     from % 2 ? "O" : "E", 1 + random_below(3), id);
}

static void add_geometry(text_buffer *out) {
  text_buffer_format(out,
                     "\"geometry\": { \"type\": \"Polygon\", \"area\": %u.%u, \"lots\": %u, "
                     "\"coordinates\": [ [ ",
                     random_below(5000), random_below(10), random_below(2000));
  add_ring(out);
  text_buffer_text(out, " ] ] }");
}

static void make_event(text_buffer *out, unsigned id, bool fields_last) {
  text_buffer_text(out, "{ \"type\": \"Feature\", ");
  if (fields_last) {
    add_geometry(out);
    text_buffer_text(out, ", ");
  }
  add_properties(out, id);
  if (!fields_last) {
    text_buffer_text(out, ", ");
    add_geometry(out);
  }
  text_buffer_text(out, " }");
}

static event_file *make_events(bool fields_last) {
  event_file *events = calloc(1, sizeof *events);
  for (unsigned i = 0; events && i < EVENTS; i++) {
    text_buffer text = {0};
    make_event(&text, i, fields_last);
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

typedef void (*rule_maker)(text_buffer *out, unsigned i);

static void exact_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[\"%07u\"]}}", i * 1237 % 9000200);
}

static void three_fields_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out,
                     "{\"type\":[\"Feature\"],\"properties\":{\"STREET\":[\"%s\"],"
                     "\"BLOCK_NUM\":[\"%04u\"]}}",
                     STREETS[i % 10], i);
}

static void prefix_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[{\"prefix\":\"%04u\"}]}}", i);
}

static void suffix_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[{\"suffix\":\"%04u\"}]}}", i);
}

static void wildcard_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[{\"wildcard\":\"%03u*%u\"}]}}", i,
                     i % 10);
}

static void inner_wildcard_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out, "{\"properties\":{\"MAPBLKLOT\":[{\"wildcard\":\"*%04u*\"}]}}", i);
}

static void ignore_case_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out, "{\"properties\":{\"STREET\":[{\"equals-ignore-case\":\"street %u\"}]}}",
                     i);
}

static void anything_but_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out,
                     "{\"properties\":{\"ID\":[\"%u\"],\"STREET\":[{\"anything-but\":"
                     "\"street %u\"}]}}",
                     i, i);
}

static void numeric_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out, "{\"geometry\":{\"lots\":[{\"numeric\":[\"=\",%u]}]}}", 3000 + i);
}

static void range_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out, "{\"geometry\":{\"area\":[{\"numeric\":[\">\",%u,\"<=\",%u.5]}]}}", i * 5,
                     i * 5);
}

static void nested_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out,
                     "{\"geometry\":{\"coordinates\":[{\"numeric\":[\"=\",-122.%u]},"
                     "{\"numeric\":[\">\",40.%04u]}]}}",
                     100000 + i, i);
}

static void nested_fields_rule(text_buffer *out, unsigned i) {
  text_buffer_format(out,
                     "{\"geometry\":{\"type\":[\"Polygon\"],\"coordinates\":[{\"numeric\":"
                     "[\">=\",37.7%04u,\"<\",37.7%04u5]}]}}",
                     i, i);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static pattern_set *compile(rule_maker make, unsigned rules) {
  pattern_source *sources = calloc(rules, sizeof *sources);
  text_buffer *texts = calloc(rules, sizeof *texts);
  if (!sources || !texts) exit(1);
  for (unsigned i = 0; i < rules; i++) {
    make(&texts[i], i);
    sources[i] = (pattern_source){texts[i].data, texts[i].size};
  }
  pattern_error error;
  pattern_set *set = pattern_compile(sources, rules, &error);
  if (!set) fprintf(stderr, "%.*s\n", (int)error.message.size, error.message.data);
  text_buffer_free(&error.message);
  for (unsigned i = 0; i < rules; i++) text_buffer_free(&texts[i]);
  free(texts);
  free(sources);
  return set;
}

/* Events per second in one run over all events. */
static double run_once(const event_file *events, const pattern_set *set, pattern_scratch *scratch) {
  double begin = now();
  for (unsigned pass = 0; pass < PASSES; pass++)
    for (unsigned i = 0; i < EVENTS; i++) {
      pattern_result result;
      if (!pattern_match(set, scratch, events->text[i], events->size[i], &result)) exit(1);
    }
  return PASSES * EVENTS / (now() - begin);
}

/* Best of RUNS for 5 rules and for many, taken in turn so that noise meets both. */
static void measure(const event_file *events, rule_maker make, double best[2]) {
  static const unsigned counts[2] = {5, MANY_RULES};
  pattern_set *sets[2];
  pattern_scratch *scratches[2];
  for (int k = 0; k < 2; k++) {
    sets[k] = compile(make, counts[k]);
    scratches[k] = sets[k] ? pattern_scratch_new(sets[k]) : NULL;
    if (!scratches[k]) exit(1);
    best[k] = 0;
  }
  for (int run = 0; run < RUNS; run++)
    for (int k = 0; k < 2; k++) {
      double rate = run_once(events, sets[k], scratches[k]);
      if (rate > best[k]) best[k] = rate;
    }
  for (int k = 0; k < 2; k++) {
    pattern_scratch_free(scratches[k]);
    pattern_free(sets[k]);
  }
}

static bool scan_whole(json_index *index, const char *text, size_t size) {
  (void)index;
  json_scan scan;
  json_scan_begin(&scan, text, size);
  return json_scan_validate(&scan);
}

/* What checking the whole event costs alone. */
static double measure_checking(const event_file *events,
                               bool (*check)(json_index *, const char *, size_t)) {
  json_index index = {0};
  double best = 0;
  for (int run = 0; run < RUNS; run++) {
    double begin = now();
    for (unsigned pass = 0; pass < PASSES; pass++)
      for (unsigned i = 0; i < EVENTS; i++)
        if (!check(&index, events->text[i], events->size[i])) exit(1);
    double rate = PASSES * EVENTS / (now() - begin);
    if (rate > best) best = rate;
  }
  json_index_free(&index);
  return best;
}

static void print_checking(const event_file *events) {
  json_index index = {0};
  printf("%-20s %12.0f\n", "(scanning only)", measure_checking(events, scan_whole));
  if (json_index_text(&index, events->text[0], events->size[0]))
    printf("%-20s %12.0f\n", "(indexing only)", measure_checking(events, json_index_text));
  else
    printf("%-20s without AVX-512 events are scanned\n", "(indexing only)");
  json_index_free(&index);
}

int main(void) {
  static const struct {
    const char *name;
    rule_maker make;
    double target; /* events/s with 5 rules; 0 where none is set */
    bool fields_last;
  } rows[] = {
      {"exact", exact_rule, 3e6, false},
      {"exact, fields last", exact_rule, 2.5e6, true},
      {"three fields", three_fields_rule, 0, false},
      {"prefix", prefix_rule, 0, false},
      {"suffix", suffix_rule, 0, false},
      {"wildcard", wildcard_rule, 0, false},
      {"wildcard inside", inner_wildcard_rule, 0, false},
      {"equals-ignore-case", ignore_case_rule, 0, false},
      {"anything-but", anything_but_rule, 0, false},
      {"numeric", numeric_rule, 1e6, false},
      {"numeric range", range_rule, 0, false},
      {"nested arrays", nested_rule, 5e5, false},
      {"nested, two fields", nested_fields_rule, 0, false},
  };
  event_file *files[] = {make_events(false), make_events(true)};
  if (!files[0] || !files[1]) return 1;
  printf("event patterns, events of %zu bytes, events/s on one thread\n", files[0]->total / EVENTS);
  printf("%-20s %12s %12s %10s %10s\n", "rules", "5", "1000", "ratio", "target");
  print_checking(files[0]);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double rates[2];
    double target = rows[i].target;
    measure(files[rows[i].fields_last], rows[i].make, rates);
    printf("%-20s %12.0f %12.0f %9.2fx", rows[i].name, rates[0], rates[1], rates[0] / rates[1]);
    if (target > 0) printf(" %10.0f %s", target, rates[0] >= target ? "met" : "not met");
    printf("\n");
  }
  for (int i = 0; i < 2; i++) free_events(files[i]);
  return 0;
}
