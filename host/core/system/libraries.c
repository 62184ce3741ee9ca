/* See libraries.h. */
#include "core/system/libraries.h"

#include <curl/curl.h>
#include <expat.h>
#include <mbedtls/version.h>
#include <string.h>
#include <zlib.h>

size_t libraries_list(libraries_entry *entries, size_t most) {
  /* curl tells the version of its TLS library too: "libcurl/8.14.1 mbedTLS/3.6.6". */
  static const char curl_prefix[] = "libcurl/", expat_prefix[] = "expat_";
  const char *curl = curl_version(), *expat = XML_ExpatVersion();
  if (strncmp(curl, curl_prefix, sizeof curl_prefix - 1) == 0) curl += sizeof curl_prefix - 1;
  if (strncmp(expat, expat_prefix, sizeof expat_prefix - 1) == 0) expat += sizeof expat_prefix - 1;
  const libraries_entry all[] = {
      {"curl", curl},
      {"expat", expat},
      {"mbedTLS", MBEDTLS_VERSION_STRING},
      {"zlib", zlibVersion()},
  };
  size_t count = sizeof all / sizeof *all;
  memcpy(entries, all, (count < most ? count : most) * sizeof *all);

  return count;
}
