/* A policy set: loaded, verified, active. A version that does not verify never becomes active; the
 * last good one goes on.
 * Memory: the set owns its files and its sandbox. Used by one thread at a time. */
#ifndef WEIR_POLICY_SET_H
#define WEIR_POLICY_SET_H

#include "policy/sandbox.h"

typedef struct policy_set policy_set;

typedef struct {
  policy_limits limits;
  const char *overrides; /* JSON object of parameters, or NULL */
  size_t overrides_size;
  bool unverified; /* examples are not run: for whoever runs them one by one, and never to decide */
  bool trusting;   /* a set that was verified before, with these limits, is not verified again */
  const char *kind; /* with trusting, or NULL: the one that will be asked first; others are loaded
                       once they are */
} policy_set_options;

/* Where a version comes from: a directory or a bundle file by its path, or, with text, a bundle
 * that somebody fetched and `path` is what to call it. Borrowed for the call. */
typedef struct {
  const char *path;
  const char *text; /* NULL: read path */
  size_t size;
} policy_set_origin;

/* NULL, with findings, when anything is an error; warnings alone do not stop it. */
policy_set *policy_set_load(const policy_set_origin *origin, const policy_set_options *options,
                            finding_list *findings);
void policy_set_free(policy_set *set);

typedef enum {
  POLICY_SET_SAME,
  POLICY_SET_SWAPPED,
  POLICY_SET_REFUSED,
  POLICY_SET_LACKS_KIND,
} policy_set_change;

/* What the origin declares in its folder kinds/, as policy_sandbox_kinds gives it; its policies
 * need not load. False, with findings. */
bool policy_set_kinds(const policy_set_origin *origin, text_buffer *out, finding_list *findings);

/* Reads the origin, or with NULL the last path again; a changed and verified version, which has a
 * policy of the kind when one is named, replaces the active one as a whole. */
policy_set_change policy_set_refresh(policy_set *set, const policy_set_origin *origin,
                                     const char *kind, finding_list *findings);

/* Overrides parameters of the active version, and of every later one: a JSON object, as for
 * policy_sandbox_override. False, with the reason in `why`: then the set must not be asked. */
bool policy_set_override(policy_set *set, const char *overrides, size_t size, text_buffer *why);

/* To be called before the set is asked about a kind: loads what is still to be loaded when it is
 * not options.kind. False when memory is short. */
bool policy_set_want(policy_set *set, const char *kind, size_t size);

/* Whether the active version was verified before, with its limits: by this build, as the stamp of
 * its bundle says, or while this program was built, because its files are the shipped ones. */
bool policy_set_is_verified(const policy_set *set);

/* The stamp of the active version, for its bundle. */
policy_stamp policy_set_stamp(const policy_set *set);

policy_sandbox *policy_set_sandbox(policy_set *set);
const policy_set_options *policy_set_options_of(const policy_set *set);
const policy_files *policy_set_files(const policy_set *set);

/* How bindings hold a set: a full userdata of this type whose block begins with the pointer (NULL
 * once closed). */
#define POLICY_SET_TYPE "weir.policy_set"

#endif
