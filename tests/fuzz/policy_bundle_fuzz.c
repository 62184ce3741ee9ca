/* Any bytes as a policy bundle: no crash; what is accepted is written back as the same set. */
#include <stdlib.h>
#include <string.h>

#include "core/policy_files/policy_bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise) {
  if (!promise) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  policy_files files, again;
  finding_list findings = {0};
  if (!policy_bundle_parse("b", (const char *)data, size, &files, &findings)) {
    check(findings.errors > 0 && files.items == NULL);
    finding_list_free(&findings);
    return 0;
  }
  text_buffer text = {0};
  const policy_file *culprit;
  check(policy_bundle_write(&files, files.stamp.build[0] ? &files.stamp : NULL, &text, &culprit));
  check(policy_bundle_parse("b", text.data, text.size, &again, &findings));
  check(again.count == files.count && strcmp(again.digest, files.digest) == 0);
  text_buffer_free(&text);
  policy_files_free(&files);
  policy_files_free(&again);
  finding_list_free(&findings);
  return 0;
}
