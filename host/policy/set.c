/* See set.h. */
#include "policy/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy_files/policy_bundle.h"
#include "core/system/files.h"
#include "policy/kind.h"

/* One version of the set, immutable once verified. */
typedef struct {
  policy_files files;
  policy_sandbox *sandbox;
  bool verified_before;
  bool is_partial; /* then only the policy of options.kind is loaded */
} version;

struct policy_set {
  version *active;
  char *path;                 /* where the first version came from */
  policy_set_options options; /* overrides and kind are our copies */
};

static void version_free(version *v) {
  if (!v) return;
  policy_sandbox_free(v->sandbox); /* refers to the files */
  policy_files_free(&v->files);
  free(v);
}

/* What this program writes into a stamp, but for the examples. */
static policy_stamp stamp_of(policy_limits limits) {
  policy_stamp stamp = {.instructions = limits.instructions,
                        .load_instructions = limits.load_instructions,
                        .memory = (int64_t)limits.memory,
                        .load_memory = (int64_t)limits.load_memory};
  snprintf(stamp.build, sizeof stamp.build, "%s", policy_files_build());

  return stamp;
}

/* The shipped set was verified with the default limits. */
static bool was_verified(policy_files *files, policy_limits limits) {
  policy_stamp wanted = stamp_of(limits), found = stamp_of(policy_limits_default);
  if (!policy_files_are_shipped(files)) found = files->stamp;
  return strcmp(found.build, wanted.build) == 0 && found.instructions == wanted.instructions &&
         found.load_instructions == wanted.load_instructions && found.memory == wanted.memory &&
         found.load_memory == wanted.load_memory;
}

static bool holds_kind(const policy_files *files, const char *kind) {
  for (size_t i = 0; i < files->count; i++)
    if (strcmp(files->items[i].kind, kind) == 0) return true;
  return false;
}

/* Notes which kind is in which file, for a stamp. */
static void note_kinds(version *v) {
  for (size_t i = 0; i < policy_kind_count(v->sandbox); i++) {
    const policy_kind *kind = policy_kind_at(v->sandbox, i);
    const policy_summary *policy = policy_kind_policy(kind);
    if (!policy) continue;
    policy_file *file = &v->files.items[policy->file - v->files.items];
    snprintf(file->kind, sizeof file->kind, "%s", policy_kind_name(kind));
  }
}

/* Without the kind that will be asked, all is loaded: then it can be told what is there. So it is
 * with overrides, whose parameters may be any policy's. */
static void load_verified(version *v, const policy_set_options *options, finding_list *findings) {
  v->is_partial = options->kind && !options->overrides && holds_kind(&v->files, options->kind);
  v->sandbox = policy_sandbox_new_verified(&v->files, options->limits,
                                           v->is_partial ? options->kind : NULL, findings);
}

static void load_whole(version *v, const policy_set_options *options, finding_list *findings) {
  size_t errors = findings->errors;
  v->sandbox = policy_sandbox_new(&v->files, options->limits, findings);
  if (!v->sandbox || findings->errors > errors) return;
  if (!options->unverified) policy_sandbox_verify(v->sandbox, findings);
  note_kinds(v);
}

/* Loads, verifies, and takes over the overrides. */
static bool load_all(version *v, const policy_set_options *options, finding_list *findings) {
  size_t errors = findings->errors;
  v->verified_before = options->trusting && was_verified(&v->files, options->limits);
  (v->verified_before ? load_verified : load_whole)(v, options, findings);
  if (!v->sandbox || findings->errors > errors) return false;
  /* After the examples: these say what the policy does with its own defaults. */
  text_buffer why = {0};
  bool ok = !options->overrides ||
            policy_sandbox_override(v->sandbox, options->overrides, options->overrides_size, &why);
  if (!ok) finding_error(findings, v->files.directory, 0, "W006", "%.*s", (int)why.size, why.data);
  text_buffer_free(&why);

  return ok;
}

/* What is found while the machine has no memory says nothing about the set. */
static bool verify(version *v, const policy_set_options *options, finding_list *findings) {
  unsigned long shortages = text_buffer_shortages();
  bool ok = load_all(v, options, findings);
  if (v->sandbox && text_buffer_shortages() == shortages) return ok;
  finding_out_of_memory(findings, v->files.directory);

  return false;
}

/* A path that ends in .lua is a mistake for its directory, not a bundle. */
static bool is_bundle(const char *path) {
  files_status status;
  size_t size = strlen(path);
  bool is_lua = size > 4 && strcmp(path + size - 4, ".lua") == 0;
  return !is_lua && files_stat(path, &status) == 0 && status.type == FILES_FILE;
}

static bool read_files(const policy_set_origin *origin, policy_files *files,
                       finding_list *findings) {
  if (origin->text)
    return policy_bundle_parse(origin->path, origin->text, origin->size, files, findings);
  if (is_bundle(origin->path)) return policy_bundle_read(origin->path, files, findings);
  return policy_files_read(origin->path, files, findings);
}

bool policy_set_kinds(const policy_set_origin *origin, text_buffer *out, finding_list *findings) {
  policy_files files = {0};
  size_t errors = findings->errors;
  if (!read_files(origin, &files, findings)) {
    if (findings->errors == errors) finding_out_of_memory(findings, origin->path);
    return false;
  }

  bool ok = policy_sandbox_kinds_of(&files, policy_limits_default, out, findings);
  policy_files_free(&files);

  return ok;
}

static version *version_load(const policy_set_origin *origin, const policy_set_options *options,
                             const char *unless_digest, bool *same, finding_list *findings) {
  version *v = calloc(1, sizeof *v);
  *same = false;
  if (!v) {
    finding_out_of_memory(findings, origin->path);
    return NULL;
  }

  size_t errors = findings->errors;
  if (!read_files(origin, &v->files, findings)) {
    if (findings->errors == errors) finding_out_of_memory(findings, origin->path);
    free(v);
    return NULL;
  }

  *same = unless_digest && strcmp(unless_digest, v->files.digest) == 0;
  if (!*same && verify(v, options, findings)) return v;
  version_free(v);

  return NULL;
}

policy_set *policy_set_load(const policy_set_origin *origin, const policy_set_options *options,
                            finding_list *findings) {
  bool same;
  version *v = version_load(origin, options, NULL, &same, findings);
  if (!v) return NULL;
  policy_set *set = calloc(1, sizeof *set);
  if (!set) {
    finding_out_of_memory(findings, origin->path);
    version_free(v);
    return NULL;
  }

  set->active = v;
  set->options = *options;
  set->path = strdup(origin->path);
  if (options->overrides)
    set->options.overrides = strndup(options->overrides, options->overrides_size);
  if (options->kind) set->options.kind = strdup(options->kind);
  if (set->path && (set->options.overrides || !options->overrides) &&
      (set->options.kind || !options->kind))
    return set;
  finding_out_of_memory(findings, origin->path);
  policy_set_free(set);

  return NULL;
}

void policy_set_free(policy_set *set) {
  if (!set) return;
  version_free(set->active);
  free(set->path);
  free((char *)set->options.overrides);
  free((char *)set->options.kind);
  free(set);
}

static bool has_policy(const version *v, const char *kind) {
  const policy_kind *found = policy_kind_find(v->sandbox, kind, strlen(kind));
  return found && policy_kind_policy(found);
}

policy_set_change policy_set_refresh(policy_set *set, const policy_set_origin *origin,
                                     const char *kind, finding_list *findings) {
  bool same;
  policy_set_origin again = {.path = set->path};
  version *next = version_load(origin ? origin : &again, &set->options, set->active->files.digest,
                               &same, findings);
  if (same) return POLICY_SET_SAME;
  if (!next) return POLICY_SET_REFUSED;
  if (kind && !has_policy(next, kind)) {
    version_free(next);
    return POLICY_SET_LACKS_KIND;
  }

  version *last = set->active;
  set->active = next;
  version_free(last);

  return POLICY_SET_SWAPPED;
}

/* Puts a sandbox with all policies in the place of one with the first kind that was asked. */
static bool complete(policy_set *set) {
  version *v = set->active;
  finding_list findings = {0};
  if (!v->is_partial) return true;
  policy_sandbox *whole =
      policy_sandbox_new_verified(&v->files, set->options.limits, NULL, &findings);
  bool ok = whole && findings.errors == 0;
  finding_list_free(&findings);
  if (!ok) {
    policy_sandbox_free(whole);
    return false;
  }

  policy_sandbox_free(v->sandbox);
  v->sandbox = whole;
  v->is_partial = false;

  return true;
}

bool policy_set_want(policy_set *set, const char *kind, size_t size) {
  const policy_kind *found = policy_kind_find(set->active->sandbox, kind, size);
  return (found && policy_kind_policy(found)) || complete(set);
}

bool policy_set_override(policy_set *set, const char *overrides, size_t size, text_buffer *why) {
  if (!complete(set)) {
    text_buffer_text(why, "not enough memory");
    return false;
  }

  if (!policy_sandbox_override(set->active->sandbox, overrides, size, why)) return false;
  char *copy = strndup(overrides, size);
  if (!copy) {
    text_buffer_text(why, "not enough memory");
    return false;
  }

  free((char *)set->options.overrides);
  set->options.overrides = copy;
  set->options.overrides_size = size;

  return true;
}

bool policy_set_is_verified(const policy_set *set) {
  return set->active->verified_before;
}

policy_stamp policy_set_stamp(const policy_set *set) {
  const version *v = set->active;
  if (v->verified_before && v->files.stamp.build[0]) return v->files.stamp;
  policy_stamp stamp = stamp_of(set->options.limits);
  for (size_t i = 0; i < policy_kind_count(v->sandbox); i++) {
    const policy_summary *policy = policy_kind_policy(policy_kind_at(v->sandbox, i));
    if (policy) stamp.examples += (int64_t)policy->example_count;
  }

  return stamp;
}

policy_sandbox *policy_set_sandbox(policy_set *set) {
  return set->active->sandbox;
}

const policy_files *policy_set_files(const policy_set *set) {
  return &set->active->files;
}

const policy_set_options *policy_set_options_of(const policy_set *set) {
  return &set->options;
}
