/* How fast the scanner checks and skips: GeoJSON features like those of San Francisco's city lots
 * (short properties, one polygon), each 836 bytes, all different so that the processor
 * cannot learn them by heart. Run by ./dev bench json_scan. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench_row.h"
#include "core/json/scan.h"

enum { EVENTS = 2000, EVENT_SIZE = 836, MOST_ROUNDS = 64 };

static uint64_t random_state = 20261122;

static unsigned random_below(unsigned limit) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)((random_state >> 33) % limit);
}

static size_t write_feature(char *out, const char *s, unsigned lot, const char *street,
                            const char *points) {
  char parcel[8], block[8], number[8];
  snprintf(parcel, sizeof parcel, "%07u", lot);
  snprintf(block, sizeof block, "%04u", lot / 1000);
  snprintf(number, sizeof number, "%03u", lot % 1000);
  const char *const members[][2] = {
      {"MAPBLKLOT", parcel}, {"BLKLOT", parcel},  {"BLOCK_NUM", block},
      {"LOT_NUM", number},   {"FROM_ST", number}, {"TO_ST", block},
      {"STREET", street},    {"ST_TYPE", "ST"},   {"ODD_EVEN", "E"},
  };
  char *at = out;
  at += sprintf(at, "{%s\"type\":%s\"Feature\",%s\"properties\":%s{", s, s, s, s);
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    at += sprintf(at, "%s%s\"%s\":%s\"%s\"", i ? "," : "", s, members[i][0], s, members[i][1]);
  at += sprintf(at, "%s},%s\"geometry\":%s{%s\"type\":%s\"Polygon\",%s\"coordinates\":%s[%s[%s", s,
                s, s, s, s, s, s, s, points);
  at += sprintf(at, "%s]%s]%s}%s}", s, s, s, s);
  return (size_t)(at - out);
}

/* Exactly EVENT_SIZE bytes: as many points as fit, then the street's name takes up the rest. */
static void write_event(char *out, const char *s) {
  static const char *const streets[] = {"UNKNOWN", "JEFFERSON", "SKYLINE", "COLUMBUS", "BAY"};
  char street[EVENT_SIZE], points[EVENT_SIZE], text[2 * EVENT_SIZE];
  unsigned lot = random_below(9999999);
  snprintf(street, sizeof street, "%s", streets[random_below(5)]);
  size_t room = EVENT_SIZE - write_feature(text, s, lot, street, ""), size = 0;
  while (size + 60 < room)
    size += (size_t)sprintf(points + size, "%s%s[%s-122.4%0*u%07u,%s37.8%0*u%07u,%s0.0%s]",
                            size ? "," : "", s, s, 5 + (int)random_below(3), random_below(99999),
                            random_below(9999999), s, 5 + (int)random_below(3), random_below(99999),
                            random_below(9999999), s, s);
  size_t length = strlen(street);
  memset(street + length, 'X', room - size);
  street[length + room - size] = '\0';
  write_feature(text, s, lot, street, points);
  memcpy(out, text, EVENT_SIZE);
}

static void check_all(const char *name, const char *events, size_t event_size, size_t count) {
  for (size_t i = 0; i < count; i++) {
    json_scan scan;
    json_scan_begin(&scan, events + i * event_size, event_size);
    if (json_scan_validate(&scan)) continue;
    fprintf(stderr, "%s: %s at %td: %.*s\n", name, scan.error, scan.at - scan.begin,
            (int)event_size, scan.begin);
    exit(1);
  }
}

static void measure(const char *name, const char *events, size_t event_size, size_t count) {
  double samples[MOST_ROUNDS];
  size_t rounds = bench_rounds(MOST_ROUNDS), passes = bench_count(100);
  check_all(name, events, event_size, count); /* warms up */
  for (size_t round = 0; round < rounds; round++) {
    double start = bench_now();
    for (size_t pass = 0; pass < passes; pass++) check_all(name, events, event_size, count);
    samples[round] = (double)(passes * count * event_size) / (bench_now() - start) / 1e9;
  }
  bench_row_print(&(bench_row){.name = name,
                               .unit = "GB/s of processor time",
                               .equal_work = "no peer; every byte is checked as JSON",
                               .ours = samples,
                               .samples = rounds});
}

static void measure_text(const char *name, const char *piece, size_t repeat) {
  size_t piece_size = strlen(piece), size = piece_size * repeat + 2;
  char *text = malloc(size);
  if (!text) exit(1);
  text[0] = text[size - 1] = '"';
  for (size_t i = 0; i < repeat; i++) memcpy(text + 1 + i * piece_size, piece, piece_size);
  measure(name, text, size, 1);
  free(text);
}

int main(void) {
  char *events = malloc((size_t)EVENTS * EVENT_SIZE);
  if (!events) return 1;
  for (int i = 0; i < EVENTS; i++) write_event(events + (size_t)i * EVENT_SIZE, "");
  measure("citylots, compact", events, EVENT_SIZE, EVENTS);
  for (int i = 0; i < EVENTS; i++) write_event(events + (size_t)i * EVENT_SIZE, " ");
  measure("citylots, spaced", events, EVENT_SIZE, EVENTS);
  measure_text("ASCII string", "plain text, ", 100000);
  measure_text("string of mixed scripts",
               "Gr\xc3\xbc\xc3\x9f"
               "e \xe2\x82\xac ",
               100000);
  free(events);
  return 0;
}
