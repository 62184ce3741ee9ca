/* See files.h. */
#include "core/system/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

int files_open(const char *path, int *descriptor) {
  int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                  : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  struct stat info;
  int error = fstat(fd, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
  if (error) {
    close(fd);
    return error;
  }

  *descriptor = fd;
  return 0;
}

int files_read_some(int descriptor, size_t most, text_buffer *out) {
  if (!text_buffer_reserve(out, most)) return ENOMEM;
  ssize_t got;
  do got = read(descriptor, out->data + out->size, most);
  while (got < 0 && errno == EINTR);
  if (got < 0) return errno;
  out->size += (size_t)got;

  return 0;
}

/* One byte over the limit is asked for, so that a file of exactly that size is not refused. */
static int read_all(int descriptor, size_t limit, text_buffer *out) {
  size_t start = out->size;
  for (;;) {
    size_t before = out->size, left = limit - (before - start);
    int error = files_read_some(descriptor, left < CHUNK ? left + 1 : CHUNK, out);
    if (error) return error;
    if (out->size == before) return 0;
    if (out->size - start > limit) return EFBIG;
  }
}

int files_read(const char *path, size_t limit, text_buffer *out) {
  int descriptor;
  int error = files_open(path, &descriptor);
  if (error) return error;
  error = read_all(descriptor, limit, out);
  close(descriptor);

  return error;
}

int files_list(const char *path, text_buffer *out) {
  DIR *directory = opendir(path);
  if (!directory) return errno;
  const struct dirent *entry;
  errno = 0;
  while ((entry = readdir(directory))) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      text_buffer_append(out, entry->d_name, strlen(entry->d_name) + 1);
    errno = 0;
  }

  int error = errno ? errno : out->failed ? ENOMEM : 0;
  closedir(directory);

  return error;
}

int files_stat(const char *path, files_status *status) {
  struct stat info;
  if (stat(path, &info) != 0) return errno;
  status->type = S_ISREG(info.st_mode)   ? FILES_FILE
                 : S_ISDIR(info.st_mode) ? FILES_DIRECTORY
                                         : FILES_OTHER;
  status->executable = info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH);
  status->size = info.st_size;
  status->modified_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;

  return 0;
}

int files_absolute(const char *path, text_buffer *out) {
  char *absolute = realpath(path, NULL);
  if (!absolute) return errno;
  text_buffer_text(out, absolute);
  free(absolute);

  return out->failed ? ENOMEM : 0;
}

static const struct {
  int error;
  const char *code, *text;
} KNOWN_ERRORS[] = {
    {ENOENT, "NotFound", "no such file or directory"},
    {EISDIR, "IsDirectory", "is a directory, not a file"},
    {ENOTDIR, "NotDirectory", "not a directory"},
    {EFBIG, "TooLarge", "is larger than the limit"},
    {EACCES, "PermissionDenied", "permission denied"},
    {EPERM, "PermissionDenied", "operation not permitted"},
    {ELOOP, "IoError", "too many symbolic links"},
    {ENAMETOOLONG, "NotFound", "the name is too long"},
    {ENOMEM, "OutOfMemory", "not enough memory"},
    {EBADF, "NotFound", "standard input is closed"},
};

static int make_one(const char *path) {
  struct stat info;
  if (mkdir(path, 0777) == 0) return 0;
  if (errno != EEXIST) return errno;
  if (stat(path, &info) != 0) return errno;

  return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
}

int files_make_directory(const char *path) {
  char part[PATH_MAX];
  size_t size = strlen(path);
  if (size >= sizeof part) return ENAMETOOLONG;
  for (size_t i = 1; i <= size; i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    int error = make_one(part);
    if (error) return error;
  }

  return size ? 0 : ENOENT;
}

const char *files_error_code(int error) {
  for (size_t i = 0; i < sizeof KNOWN_ERRORS / sizeof *KNOWN_ERRORS; i++)
    if (KNOWN_ERRORS[i].error == error) return KNOWN_ERRORS[i].code;
  return "IoError";
}

const char *files_error_text(int error) {
  for (size_t i = 0; i < sizeof KNOWN_ERRORS / sizeof *KNOWN_ERRORS; i++)
    if (KNOWN_ERRORS[i].error == error) return KNOWN_ERRORS[i].text;
  return strerror(error);
}
