/* A policy set as one file, for S3 and AppConfig: the same files give the same bytes. JSON, so that
 * every store takes it and a person can read it:
 *
 *   {"schema":"weir.bundle/1","digest":"sha256:…","stamp":{"build":"sha256:…",…},"files":[
 *   {"path":"routing.lua","kind":"routing","digest":"sha256:…","text":"…"},
 *   …
 *   ]}
 *
 * files is the manifest too: in order of path, each with the digest of its text; `digest` is the
 * set's, the same that its directory has. A bundle of which one byte of a file is not what it was
 * is refused. stamp, which may be missing, says which build of weir verified the set, with which
 * limits, and how many examples passed; it spares a start of that same build doing so again, and
 * `kind` tells such a start which file it needs. Who can write the bundle can write the stamp.
 * `checked`, which older bundles have, is read and means nothing.
 *
 * Memory: results are the caller's policy_files. */
#ifndef WEIR_CORE_POLICY_FILES_POLICY_BUNDLE_H
#define WEIR_CORE_POLICY_FILES_POLICY_BUNDLE_H

#include "core/policy_files/policy_files.h"
#include "core/text/text_buffer.h"

/* Every byte of the files may take six ("\u0001"), and each file brings its frame. */
enum { POLICY_BUNDLE_MAX_BYTES = 8 * 1024 * 1024 };

/* Reads a bundle's text; name is shown in messages and in front of its files. False, with
 * findings, when it is damaged or beyond the limits of policy_files.h. */
bool policy_bundle_parse(const char *name, const char *text, size_t size, policy_files *files,
                         finding_list *findings);

/* Reads the bundle file at path. */
bool policy_bundle_read(const char *path, policy_files *files, finding_list *findings);

/* Appends the bundle of files, with a stamp when there is one. False, with *culprit, when a file is
 * not UTF-8 text. */
bool policy_bundle_write(const policy_files *files, const policy_stamp *stamp, text_buffer *out,
                         const policy_file **culprit);

#endif
