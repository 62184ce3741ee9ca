/* One simulated trial, from its first window to the policy's last word. See impl.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "simulate/impl.h"

static const double EPOCH = 1800000000; /* when every trial begins; a policy has no other clock */
static const double DAY = 1440;

bool simulate_job_new(simulate_job *job, const simulate_options *options) {
  finding_list findings = {0};
  text_buffer why = {0};
  stats_trial_settings settings = stats_trial_settings_default;
  settings.warm_up = options->scenario.warm_up_minutes * 60;
  settings.quick = true;
  *job = (simulate_job){.options = options, .trial = stats_trial_new(settings, 0.01)};

  bool whole = question_mentions(options->files, "p50") ||
               question_mentions(options->files, "p90") ||
               question_mentions(options->files, "latency_p50");
  job->sandbox = policy_sandbox_new(options->files, options->limits, &findings);
  bool ok = job->sandbox && findings.errors == 0 &&
            question_new(&job->question, job->sandbox, options->files) &&
            world_new(&job->world, &options->scenario, whole);
  if (ok && options->overrides)
    ok = policy_sandbox_override(job->sandbox, options->overrides, options->overrides_size, &why);
  finding_list_free(&findings);
  text_buffer_free(&why);

  return ok;
}

void simulate_job_free(simulate_job *job) {
  question_free(&job->question);
  policy_sandbox_free(job->sandbox);
  policy_answer_free(&job->answer);
  world_free(&job->world);
  stats_trial_free(&job->trial);
}

static policy_question ask(policy_standing *facts, bool place) {
  return (policy_question){
      .kind = QUESTION_KIND,
      .kind_size = strlen(QUESTION_KIND),
      .standing = facts,
      .place = place,
  };
}

enum { TIMED = 16 };

/* Decides, and measures every sixteenth decision: asking for the thread's own time costs as much as
 * a part of a decision. */
static bool decide(simulate_job *job, const policy_question *asked) {
  if (job->decisions++ % TIMED != 0)
    return policy_sandbox_decide(job->sandbox, asked, &job->answer);
  struct timespec begin, end;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
  bool decided = policy_sandbox_decide(job->sandbox, asked, &job->answer);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
  int64_t ns = (end.tv_sec - begin.tv_sec) * INT64_C(1000000000) + end.tv_nsec - begin.tv_nsec;
  job->decide_ns += TIMED * (uint64_t)ns;

  return decided;
}

/* The number of a field of the decision, or `otherwise`. No text can hold the field's name in bare
 * quotes. */
static double decision_number(const policy_answer *answer, const char *field, double otherwise) {
  const char *at = memmem(answer->decision.data, answer->decision.size, field, strlen(field));
  return at ? strtod(at + strlen(field), NULL) : otherwise;
}

static bool is_action(const policy_answer *answer, const char *action) {
  return strcmp(answer->action, action) == 0;
}

static char *copy(const text_buffer *text) {
  return strndup(text->data ? text->data : "", text->size);
}

/* Decides the last question once more, to learn where the decision is made. */
static bool finish(simulate_job *job, policy_standing *facts, simulate_run *result) {
  policy_question asked = ask(facts, true);
  bool decided = policy_sandbox_decide(job->sandbox, &asked, &job->answer);
  if (job->answer.outcome == POLICY_OUT_OF_MEMORY) return false;
  if (!decided) result->outcome = SIMULATE_FAILED;
  result->line = job->answer.line;
  memcpy(result->file, job->answer.file, sizeof result->file);
  result->because = copy(decided ? &job->answer.because : &job->answer.error);
  result->excess = job->world.excess;

  return result->because != NULL;
}

static stats_trial_result add_look(simulate_job *job, double minute, double share,
                                   question_state *state) {
  const world_arm *one = &job->world.challenger, *zero = &job->world.champion;
  double look = job->options->scenario.look_minutes;
  stats_trial_window window = {
      .from = EPOCH + 60 * minute,
      .to = EPOCH + 60 * (minute + look),
      .challenger = {share, 0, one->sent, one->errors, &one->latencies},
      .champion = {1 - share, 0, zero->sent, zero->errors, &zero->latencies},
  };
  stats_trial_result added = stats_trial_add(&job->trial, &window);
  state->now = window.to;
  state->share = share;
  state->warming = added == STATS_TRIAL_WARMING;
  if (added != STATS_TRIAL_COUNTED) return added;
  state->challenger.requests += one->sent;
  state->challenger.errors += one->errors;
  state->champion.requests += zero->sent;
  state->champion.errors += zero->errors;
  state->seconds += state->look_seconds;

  return added;
}

/* What the decision changes; true when the trial is over. */
static bool carry_out(simulate_job *job, double minute, double *share, question_state *state,
                      simulate_run *result) {
  const policy_answer *answer = &job->answer;
  state->good_looks = 0;
  if (is_action(answer, "hold")) {
    state->good_looks = decision_number(answer, "\"good_looks\":", 0);
  } else if (is_action(answer, "ramp")) {
    *share = decision_number(answer, "\"weight\":", *share);
    job->world.changed = minute;
  } else {
    result->outcome = is_action(answer, "promote") ? SIMULATE_PROMOTE : SIMULATE_ROLLBACK;
    return true;
  }

  return false;
}

bool simulate_job_run(simulate_job *job, uint64_t run, simulate_run *result) {
  const simulate_scenario *s = &job->options->scenario;
  double share = s->share, look = s->look_minutes, end = s->days * DAY;
  question_state state = {.look_seconds = 60 * look};
  *result = (simulate_run){.outcome = SIMULATE_HOLD};
  stats_trial_clear(&job->trial);
  world_start(&job->world, job->options->seed, run);
  question_start(&job->question);

  for (double minute = 0;; minute += look) {
    world_look(&job->world, minute, share);
    if (add_look(job, minute, share, &state) == STATS_TRIAL_OUT_OF_MEMORY) return false;
    result->minutes = minute + look;
    result->exposed += job->world.challenger.sent;
    job->windows += (uint64_t)look;

    policy_standing *facts = question_set(&job->question, &job->trial, &job->world, &state);
    policy_question asked = ask(facts, false);
    if (!decide(job, &asked)) {
      if (job->answer.outcome == POLICY_OUT_OF_MEMORY) return false;
      return finish(job, facts, result);
    }

    bool over = carry_out(job, minute + look, &share, &state, result);
    if (over || minute + 2 * look > end) return finish(job, facts, result);
  }
}
