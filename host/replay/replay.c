/* See replay.h. One thread reads blocks of lines and collects verdicts in their order; workers
 * judge blocks in between. The ring of blocks bounds memory: reading waits for collecting. */
#include "replay/replay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/recording/source.h"
#include "replay/impl.h"

/* Facts may nest 1000 deep, which some C libraries' default stack for threads would not hold. */
enum { BLOCK_BYTES = 256 * 1024, BLOCKS_PER_JOB = 3, STACK_BYTES = 2 * 1024 * 1024 };

typedef enum { BLOCK_FREE, BLOCK_READY, BLOCK_JUDGING, BLOCK_JUDGED } block_state;

typedef struct {
  block_state state;
  text_buffer text;
  size_t first_line;
  bool decision_seen; /* before it, in its file */
  replay_verdict verdict;
} block;

struct replay {
  replay_listener listener;
  replay_counts counts;
  sha256_context parts; /* of the file that is being read */
  replay_digest_list files;
  size_t jobs;
  replay_judge *judges; /* one a job */
  pthread_t *threads;
  size_t thread_count;
  block *blocks; /* a ring */
  size_t block_count;
  pthread_mutex_t lock; /* guards the states, next_to_judge and stop */
  pthread_cond_t changed;
  bool short_of_memory;
  unsigned long shortages; /* of buffers, before */
  size_t next_to_judge;    /* number of the block, not its place in the ring */
  bool stop;
};

typedef struct {
  replay *owner;
  replay_judge *judge;
} worker;

static void judge_block(replay_judge *judge, block *b) {
  judge->reader.decision_seen = b->decision_seen;
  replay_judge_block(judge, b->text.data, b->text.size, b->first_line, &b->verdict);
}

static void *work(void *argument) {
  worker self = *(worker *)argument;
  replay *r = self.owner;
  free(argument);
  pthread_mutex_lock(&r->lock);
  while (!r->stop) {
    block *b = &r->blocks[r->next_to_judge % r->block_count];
    if (b->state != BLOCK_READY) {
      pthread_cond_wait(&r->changed, &r->lock);
      continue;
    }

    b->state = BLOCK_JUDGING;
    r->next_to_judge++;
    pthread_mutex_unlock(&r->lock);
    judge_block(self.judge, b);
    pthread_mutex_lock(&r->lock);
    b->state = BLOCK_JUDGED;
    pthread_cond_broadcast(&r->changed);
  }

  pthread_mutex_unlock(&r->lock);

  return NULL;
}

static policy_sandbox *open_sandbox(const policy_files *files, const replay_options *options) {
  finding_list findings = {0};
  text_buffer why = {0};
  policy_sandbox *sandbox = policy_sandbox_new(files, options->limits, &findings);
  bool ok = sandbox && findings.errors == 0;

  if (ok && options->overrides)
    ok = policy_sandbox_override(sandbox, options->overrides, options->overrides_size, &why);
  finding_list_free(&findings);
  text_buffer_free(&why);
  if (ok) return sandbox;
  policy_sandbox_free(sandbox);

  return NULL;
}

static bool open_judge(replay_judge *judge, const replay_options *options) {
  judge->details = options->details;
  judge->now = open_sandbox(options->files, options);
  if (judge->now && options->old_files) judge->old = open_sandbox(options->old_files, options);
  return judge->now && (judge->old || !options->old_files);
}

static bool open_judges(replay *r, const replay_options *options) {
  for (size_t i = 0; i < r->jobs; i++)
    if (!open_judge(&r->judges[i], options)) return false;
  return text_buffer_shortages() == r->shortages;
}

/* With one job the calling thread judges by itself. */
static bool start_threads(replay *r) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  bool ok = true;
  for (size_t i = 0; ok && r->jobs > 1 && i < r->jobs; i++) {
    worker *self = malloc(sizeof *self);
    if (self) *self = (worker){r, &r->judges[i]};
    ok = self && pthread_create(&r->threads[i], &attributes, work, self) == 0;
    if (ok)
      r->thread_count++;
    else
      free(self);
  }

  pthread_attr_destroy(&attributes);

  return ok;
}

static size_t jobs_of(const replay_options *options) {
  if (options->jobs < 1) return 1;
  return options->jobs > REPLAY_MAX_JOBS ? REPLAY_MAX_JOBS : options->jobs;
}

replay *replay_new(const replay_options *options, replay_listener listener, text_buffer *why) {
  replay *r = calloc(1, sizeof *r);
  if (!r) {
    text_buffer_text(why, "not enough memory");
    return NULL;
  }

  r->listener = listener;
  r->shortages = text_buffer_shortages();
  r->jobs = jobs_of(options);
  r->block_count = r->jobs * BLOCKS_PER_JOB;
  r->judges = calloc(r->jobs, sizeof *r->judges);
  r->threads = calloc(r->jobs, sizeof *r->threads);
  r->blocks = calloc(r->block_count, sizeof *r->blocks);
  pthread_mutex_init(&r->lock, NULL);
  pthread_cond_init(&r->changed, NULL);

  if (!r->judges || !r->threads || !r->blocks || !open_judges(r, options))
    text_buffer_format(why, "not enough memory to load the policies for %zu jobs", r->jobs);
  else if (!start_threads(r))
    text_buffer_format(why, "not enough memory or processes for %zu threads", r->jobs);
  else
    return r;
  replay_free(r);

  return NULL;
}

static void add_counts(replay_counts *sum, const replay_counts *part) {
  uint64_t *to = (uint64_t *)sum;
  const uint64_t *from = (const uint64_t *)part;
  for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) to[i] += from[i];
}

/* Takes over a judged block's verdict, in the order of reading. */
static void collect(replay *r, const char *path, block *b) {
  replay_verdict *verdict = &b->verdict;
  if (verdict->short_of_memory) r->short_of_memory = true;
  add_counts(&r->counts, &verdict->counts);
  sha256_update(&r->parts, verdict->transcript.data, verdict->transcript.size);
  for (size_t i = 0; i < verdict->event_count; i++)
    r->listener.event(r->listener.context, path, &verdict->events[i]);
  replay_verdict_reset(verdict);
}

static size_t count_lines(const text_buffer *text) {
  size_t lines = 0;
  for (const char *at = text->data, *end = at + text->size;
       at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
    lines++;
  return lines;
}

typedef struct {
  replay *r;
  const char *path;
  recording_source source;
  size_t read; /* blocks, all files together: the worker's numbering */
  size_t collected;
  size_t next_line;
  bool decision_seen;
} pass;

/* The next block of the file; false at its end, and once memory is short. */
static bool read_block(pass *p, block *b) {
  if (p->r->short_of_memory) return false;
  if (!recording_source_next(&p->source, &b->text, BLOCK_BYTES)) return false;
  b->first_line = p->next_line;
  b->decision_seen = p->decision_seen;
  p->next_line += count_lines(&b->text);
  if (!p->decision_seen) p->decision_seen = recording_has_decision(b->text.data, b->text.size);

  return true;
}

static void show_progress(const pass *p) {
  size_t done, total;
  line_source_progress(p->source.lines, &done, &total);
  p->r->listener.progress(p->r->listener.context, p->path, done, total, p->r->counts.decisions);
}

static void collect_next(pass *p) {
  replay *r = p->r;
  block *b = &r->blocks[p->collected++ % r->block_count];
  pthread_mutex_lock(&r->lock);
  while (b->state != BLOCK_JUDGED) pthread_cond_wait(&r->changed, &r->lock);
  pthread_mutex_unlock(&r->lock);
  collect(r, p->path, b);
  b->state = BLOCK_FREE; /* only this thread looks at free blocks */
  show_progress(p);
}

static void run_threads(pass *p) {
  replay *r = p->r;
  for (;;) {
    if (p->read - p->collected == r->block_count) collect_next(p);
    block *b = &r->blocks[p->read % r->block_count];
    if (!read_block(p, b)) break;
    p->read++;
    pthread_mutex_lock(&r->lock);
    b->state = BLOCK_READY;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
  }
  while (p->collected < p->read) collect_next(p);
}

static void run_here(pass *p) {
  block *b = &p->r->blocks[0];
  while (read_block(p, b)) {
    judge_block(&p->r->judges[0], b);
    collect(p->r, p->path, b);
    show_progress(p);
  }
}

/* Reads and judges the file to its end, as far as that goes. */
static replay_result run(pass *p, text_buffer *why) {
  if (p->r->jobs > 1)
    run_threads(p);
  else
    run_here(p);

  const char *failure = recording_source_error(&p->source);
  if (recording_source_is_short_of_memory(&p->source) || text_buffer_shortages() != p->r->shortages)
    p->r->short_of_memory = true;
  if (p->r->short_of_memory) return REPLAY_OUT_OF_MEMORY;
  if (!failure) return REPLAY_READ;
  text_buffer_format(why, "after line %zu: %s", p->next_line - 1, failure);

  return REPLAY_UNREADABLE;
}

replay_result replay_file(replay *r, const char *path, text_buffer *why) {
  char error[LINE_ERROR_BYTES];
  pass p = {.r = r, .path = path, .next_line = 1};
  replay_digest_file *file = replay_digest_add_file(&r->files, path);
  if (!file) return REPLAY_OUT_OF_MEMORY;
  if (!recording_source_open(&p.source, path, error)) {
    text_buffer_text(why, error);
    return p.source.short_of_memory ? REPLAY_OUT_OF_MEMORY : REPLAY_UNREADABLE;
  }

  /* The ring goes on where the file before stopped. */
  p.read = p.collected = r->next_to_judge;
  sha256_start(&r->parts);
  replay_result result = run(&p, why);
  if (result == REPLAY_READ) replay_digest_finish(&r->parts, file->digest);
  recording_source_close(&p.source);

  return result;
}

const replay_counts *replay_counts_of(const replay *r) {
  return &r->counts;
}

const replay_digest_list *replay_finish(replay *r, char total[REPLAY_DIGEST_BYTES]) {
  bool complete = true;
  if (!replay_digest_sort(&r->files)) return NULL;

  for (size_t i = 0; i < r->files.count; i++) complete = complete && r->files.items[i].digest[0];
  total[0] = '\0';
  if (complete) replay_digest_total(&r->files, total);
  return &r->files;
}

void replay_free(replay *r) {
  if (!r) return;
  pthread_mutex_lock(&r->lock);
  r->stop = true;
  pthread_cond_broadcast(&r->changed);
  pthread_mutex_unlock(&r->lock);
  for (size_t i = 0; i < r->thread_count; i++) pthread_join(r->threads[i], NULL);
  for (size_t i = 0; r->judges && i < r->jobs; i++) replay_judge_free(&r->judges[i]);
  for (size_t i = 0; r->blocks && i < r->block_count; i++) {
    replay_verdict_free(&r->blocks[i].verdict);
    text_buffer_free(&r->blocks[i].text);
  }

  pthread_mutex_destroy(&r->lock);
  pthread_cond_destroy(&r->changed);
  replay_digest_free(&r->files);
  free(r->judges);
  free(r->threads);
  free(r->blocks);
  free(r);
}
