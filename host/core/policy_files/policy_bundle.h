/* A policy set as one file, for S3 and AppConfig: the same files give the same bytes. JSON, so that
 * every store takes it and a person can read it:
 *
 *   {"schema":"weir.bundle/1","digest":"sha256:…","checked":"0.1.0","files":[
 *   {"path":"routing.lua","digest":"sha256:…","text":"…"},
 *   …
 *   ]}
 *
 * files is the manifest too: in order of path, each with the digest of its text; `digest` is the
 * set's, the same that its directory has. A bundle of which one byte is not what it was is refused.
 * checked, which may be missing, is the version of weir whose check found no error in the files. It
 * spares a start of that same version the reading of sources; nothing else depends on it.
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

/* Appends the bundle of files; checked is a version of weir, or NULL. False, with *culprit, when a
 * file is not UTF-8 text. */
bool policy_bundle_write(const policy_files *files, const char *checked, text_buffer *out,
                         const policy_file **culprit);

#endif
