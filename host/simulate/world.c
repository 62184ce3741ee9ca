/* The world of a scenario: traffic, errors and latencies of both variants. Requests and errors are
 * drawn minute by minute. Latencies are drawn a look at once, which is exact, because their level
 * is constant in it. See impl.h. */
#include <math.h>
#include <stdlib.h>

#include "core/stats/special.h"
#include "simulate/impl.h"

static const double DAY = 1440, TAIL = 0.95, LEAST = 1e-9;
static const double ACCURACY = 0.01;

/* ── Latencies ── */

/* P(ln latency > x) of the champion. */
static double beyond(const simulate_scenario *s, double x) {
  double median = log(s->p99_ms) - s->sigma * stats_normal_quantile(0.99);
  return stats_normal_tail((x - median) / s->sigma);
}

/* Weights of the cells when the level lies `fraction` of a bucket higher. Nothing lies below the
 * edge of the tail, which moves with the level. */
static void weigh_cells(const simulate_scenario *s, double log_g, int32_t first, double fraction,
                        double *weights, size_t count) {
  double edge = ((double)first - 1) * log_g;
  for (size_t i = 0; i < count; i++) {
    double upper = ((double)first + (double)i - fraction) * log_g, lower = upper - log_g;
    weights[i] = beyond(s, fmax(lower, edge)) - beyond(s, upper);
  }
}

static bool make_latencies(world_latencies *self, const simulate_scenario *s, bool whole) {
  stats_sketch scale = stats_sketch_new(ACCURACY);
  double log_g = scale.log_g, z = stats_normal_quantile(whole ? LEAST : TAIL);
  double median = log(s->p99_ms) - s->sigma * stats_normal_quantile(0.99);
  self->first = (int32_t)floor((median + z * s->sigma) / log_g) + 1;
  int32_t last = (int32_t)ceil((median + stats_normal_quantile(1 - LEAST) * s->sigma) / log_g) + 1;
  size_t count = (size_t)(last - self->first) + 1;
  self->tail_mass = beyond(s, ((double)self->first - 1) * log_g);

  double *weights = malloc(count * sizeof *weights);
  bool ok = weights != NULL;
  for (int i = 0; ok && i < WORLD_FRACTIONS; i++) {
    weigh_cells(s, log_g, self->first, (double)i / WORLD_FRACTIONS, weights, count);
    ok = stats_cells_make(&self->cells[i], weights, count);
  }

  free(weights);

  return ok;
}

/* Draws the latencies of `successes`, at a level that multiplies them: to an eighth of a bucket,
 * which is a quarter of a percent. */
static void draw_latencies(world *self, world_arm *arm, double successes, double level) {
  const world_latencies *latencies = &self->latencies;
  double eighths = round(log(level) / arm->latencies.log_g * WORLD_FRACTIONS);
  double buckets = floor(eighths / WORLD_FRACTIONS);
  const stats_cells *cells = &latencies->cells[(int)(eighths - buckets * WORLD_FRACTIONS)];

  /* The sketch is the cells themselves: the first holds all that lies below the tail. */
  double tail = stats_draw_binomial(&self->random, successes, latencies->tail_mass);
  double *counts = arm->latencies.counts;
  for (size_t i = 1; i < arm->latencies.size; i++) counts[i] = 0;
  counts[0] = successes - tail;
  stats_cells_draw(cells, &self->random, tail, counts + 1);
  arm->latencies.first = latencies->first + (int32_t)buckets - 1;
  arm->latencies.total = successes;
}

/* ── Making and starting ── */

static bool arm_new(world_arm *arm, size_t cells) {
  arm->latencies = stats_sketch_new(ACCURACY);
  arm->latencies.counts = calloc(cells + 1, sizeof(double));
  arm->latencies.size = arm->latencies.counts ? cells + 1 : 0;
  return arm->latencies.counts != NULL;
}

bool world_new(world *self, const simulate_scenario *scenario, bool whole) {
  *self = (world){.scenario = scenario};
  return make_latencies(&self->latencies, scenario, whole) &&
         arm_new(&self->challenger, self->latencies.cells[0].count) &&
         arm_new(&self->champion, self->latencies.cells[0].count);
}

void world_free(world *self) {
  for (int i = 0; i < WORLD_FRACTIONS; i++) stats_cells_free(&self->latencies.cells[i]);
  stats_sketch_free(&self->challenger.latencies);
  stats_sketch_free(&self->champion.latencies);
}

static void plan_incidents(world *self) {
  const simulate_scenario *s = self->scenario;
  self->incident_count = self->next_incident = 0;
  if (!(s->incidents_a_day > 0)) return;
  double at = 0, gap = DAY / s->incidents_a_day;
  while (self->incident_count < WORLD_INCIDENTS) {
    at -= gap * log(stats_random_uniform(&self->random));
    if (at > s->days * DAY) return;
    self->incidents[self->incident_count++] = at;
  }
}

void world_start(world *self, uint64_t seed, uint64_t run) {
  self->random = stats_random_stream(seed, run);
  self->level = self->scenario->level_sd * stats_draw_normal(&self->random);
  self->changed = self->excess = 0;
  plan_incidents(self);
}

/* ── One look ── */

static double traffic_at(const simulate_scenario *s, double minute) {
  double wave = (s->daily_peak - 1) / (s->daily_peak + 1);
  double traffic = s->traffic * (1 + wave * sin(2 * acos(-1) * minute / DAY));
  return minute >= s->traffic_from ? traffic * s->traffic_factor : traffic;
}

static bool is_incident(world *self, double minute) {
  double length = self->scenario->incident_minutes;
  while (self->next_incident < self->incident_count &&
         self->incidents[self->next_incident] + length <= minute)
    self->next_incident++;
  return self->next_incident < self->incident_count &&
         self->incidents[self->next_incident] <= minute;
}

static bool is_active(const simulate_scenario *s, double minute) {
  return minute >= s->from_minutes && minute < s->until_minutes;
}

static bool is_cold(const world *self, double minute) {
  return minute - self->changed < self->scenario->cold_minutes;
}

/* The challenger's error rate, when the champion's is `rate`. */
static double challenger_rate(world *self, double minute, double rate) {
  const simulate_scenario *s = self->scenario;
  if (is_active(s, minute)) {
    rate = rate * s->errors_factor + s->errors_added;
    if (s->burst_share > 0 && stats_random_uniform(&self->random) < s->burst_share)
      rate *= s->burst_factor;
  }

  if (is_cold(self, minute)) rate += s->cold_error_rate;

  return fmin(1, rate);
}

static void draw_minute(world *self, double minute, double share) {
  const simulate_scenario *s = self->scenario;
  double traffic = traffic_at(s, minute);
  double rate = s->error_rate * pow(traffic / s->traffic, s->load_errors);
  if (is_incident(self, minute)) rate += s->incident_error_rate;
  rate = fmin(1, rate);
  double other = challenger_rate(self, minute, rate);

  double all = stats_draw_poisson(&self->random, traffic);
  double sent = stats_draw_binomial(&self->random, all, share), rest = all - sent;
  if (is_active(s, minute)) sent -= stats_draw_binomial(&self->random, sent, s->lost);
  self->challenger.sent += sent;
  self->champion.sent += rest;
  self->challenger.errors += stats_draw_binomial(&self->random, sent, other);
  self->champion.errors += stats_draw_binomial(&self->random, rest, rate);
  self->excess += sent * (other - rate);
}

/* The challenger's own level wanders (an autoregressive process), as if its hosts did. */
static void wander(world *self) {
  const simulate_scenario *s = self->scenario;
  if (!(s->level_sd > 0)) return;
  double kept = exp(-s->look_minutes / s->level_memory);
  self->level =
      kept * self->level + sqrt(1 - kept * kept) * s->level_sd * stats_draw_normal(&self->random);
}

void world_look(world *self, double minute, double share) {
  const simulate_scenario *s = self->scenario;
  world_arm *one = &self->challenger, *zero = &self->champion;
  one->sent = one->errors = zero->sent = zero->errors = 0;
  double level = is_incident(self, minute) ? s->incident_p99_factor : 1;
  double own = exp(self->level) * (is_active(s, minute) ? s->p99_factor : 1) *
               (is_cold(self, minute) ? s->cold_p99_factor : 1);
  for (double i = 0; i < s->look_minutes; i++) draw_minute(self, minute + i, share);

  wander(self);
  draw_latencies(self, one, one->sent - one->errors, level * own);
  draw_latencies(self, zero, zero->sent - zero->errors, level);
}
