/* Preloaded into nbdkit: calls on one file do what bad storage makes them do.
 *
 * FAULTY_IO_FILE names the file; it is known by device and inode, whatever becomes of its name.
 * FAULTY_IO_RULES names a text file, read anew whenever another one took its place; while there is
 * none, nothing fails. Each line is
 *   CALL EFFECT [times=N] [chance=PERCENT] [from=BYTE] [to=BYTE] [late=MILLISECONDS]
 * CALL is read, write, fua (a write that shall be durable when it returns), sync, zero (or punch a
 * hole), stat or willneed (advice that these bytes will be read). EFFECT is an error's name; short
 * or short=BYTES, which transfers half or so many; or pass. The first rule decides that fits and
 * was not applied N times yet. When all have been, the file is removed, for other processes too.
 * What was done is appended to the file FAULTY_IO_RULES.log, one line a call.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { max_rules = 16, max_text = 4096, max_path = 512 };

struct rule {
  char call[16];
  int error;     /* 0: see most */
  uint64_t most; /* bytes to transfer; 0: half */
  long times;    /* left; negative: no limit */
  long chance;   /* percent */
  uint64_t from; /* the bytes of the file, all by default */
  uint64_t to;
  long late;       /* milliseconds until the caller is told */
  char effect[24]; /* for the log */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[max_rules];
static size_t rule_count;
static struct stat rules_file;
static struct stat target;
static int enabled;
static char rules_path[max_path]; /* a server may change its environment later */
static unsigned seed = 1;

static void die(const char* what) {
  fprintf(stderr, "faulty_io: %s\n", what);
  _exit(99);
}

static void* next(const char* name) {
  void* function = dlsym(RTLD_NEXT, name);
  if (function == NULL) die(name);
  return function;
}

/* ISO C has no cast from an object's pointer to a function's. */
#define NEXT(name) (__extension__(__typeof__(name)*) next(#name))

static int stat_of(int fd, struct stat* status) {
  return NEXT(fstat)(fd, status);
}

__attribute__((constructor)) static void find_target(void) {
  const char* path = getenv("FAULTY_IO_FILE");
  const char* rules_name = getenv("FAULTY_IO_RULES");
  if (rules_name != NULL) snprintf(rules_path, sizeof rules_path, "%s", rules_name);
  enabled = path != NULL && rules_name != NULL && stat(path, &target) == 0;
}

static int error_named(const char* name) {
  static const struct {
    const char* name;
    int value;
  } errors[] = {{"EINTR", EINTR},           {"EIO", EIO},       {"ENOSPC", ENOSPC},
                {"EOPNOTSUPP", EOPNOTSUPP}, {"EDQUOT", EDQUOT}, {"EFBIG", EFBIG}};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (strcmp(name, errors[i].name) == 0) return errors[i].value;
  die(name);
  return 0;
}

static void parse(char* line) {
  if (rule_count == max_rules) die("too many rules");
  struct rule* rule = &rules[rule_count];
  *rule = (struct rule){.times = -1, .chance = 100, .to = UINT64_MAX};
  char* rest = NULL;
  const char* call = strtok_r(line, " ", &rest);
  const char* effect = strtok_r(NULL, " ", &rest);
  if (call == NULL) return;
  if (effect == NULL || strlen(call) >= sizeof rule->call) die(call);
  strcpy(rule->call, call);
  snprintf(rule->effect, sizeof rule->effect, "%s", effect);
  if (strcmp(effect, "pass") == 0) {
    rule->most = UINT64_MAX;
  } else if (strncmp(effect, "short=", 6) == 0) {
    rule->most = strtoull(effect + 6, NULL, 10);
  } else if (strcmp(effect, "short") != 0) {
    rule->error = error_named(effect);
  }
  for (const char* word; (word = strtok_r(NULL, " ", &rest)) != NULL;) {
    const char* value = strchr(word, '=');
    if (value == NULL) die(word);
    const long long number = strtoll(value + 1, NULL, 10);
    if (strncmp(word, "times=", 6) == 0) {
      rule->times = number;
    } else if (strncmp(word, "chance=", 7) == 0) {
      rule->chance = number;
    } else if (strncmp(word, "from=", 5) == 0) {
      rule->from = (uint64_t)number;
    } else if (strncmp(word, "to=", 3) == 0) {
      rule->to = (uint64_t)number;
    } else if (strncmp(word, "late=", 5) == 0) {
      rule->late = number;
    } else {
      die(word);
    }
  }
  rule_count++;
}

/* With the mutex held. */
static void load_rules(void) {
  const int fd = open(rules_path, O_RDONLY | O_CLOEXEC);
  struct stat now;
  if (fd == -1) {
    rules_file = (struct stat){0};
    rule_count = 0;
    return;
  }
  if (stat_of(fd, &now) != 0) die("rules that cannot be read");
  if (now.st_ino != rules_file.st_ino || now.st_mtim.tv_sec != rules_file.st_mtim.tv_sec ||
      now.st_mtim.tv_nsec != rules_file.st_mtim.tv_nsec) {
    char text[max_text];
    const ssize_t length = read(fd, text, sizeof text - 1);
    if (length < 0 || length == sizeof text - 1) die("rules that cannot be read");
    text[length] = '\0';
    rules_file = now;
    rule_count = 0;
    char* rest = NULL;
    for (char* line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
      parse(line);
  }
  close(fd);
}

/* With the mutex held. */
static void note(const char* call, const struct rule* rule, uint64_t offset, uint64_t length) {
  char path[max_path + 8];
  char line[128];
  snprintf(path, sizeof path, "%s.log", rules_path);
  const int size = snprintf(line, sizeof line, "%s %s %llu %llu\n", call, rule->effect,
                            (unsigned long long)offset, (unsigned long long)length);
  const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd == -1 || write(fd, line, (size_t)size) != size) die("no log");
  close(fd);
}

/* With the mutex held. */
static void remove_spent_rules(void) {
  for (size_t i = 0; i < rule_count; i++)
    if (rules[i].times != 0) return;
  unlink(rules_path);
}

/* What to do about a call: -1 and errno to fail, else how many bytes to transfer at most. */
static int64_t judge(int fd, const char* call, int fua, uint64_t offset, uint64_t length) {
  struct stat status;
  const int before = errno;
  const int64_t all = (int64_t)length;
  if (!enabled || stat_of(fd, &status) != 0 || status.st_ino != target.st_ino ||
      status.st_dev != target.st_dev) {
    errno = before;
    return all;
  }
  int64_t result = all;
  int error = before;
  long late = 0;
  pthread_mutex_lock(&mutex);
  load_rules();
  for (size_t i = 0; i < rule_count; i++) {
    struct rule* rule = &rules[i];
    const int fits = strcmp(rule->call, call) == 0 || (fua && strcmp(rule->call, "fua") == 0);
    if (!fits || rule->times == 0) continue;
    if (length != 0 && (offset >= rule->to || offset + length <= rule->from)) continue;
    if ((long)(rand_r(&seed) % 100) >= rule->chance) continue;
    if (rule->times > 0 && --rule->times == 0) remove_spent_rules();
    late = rule->late;
    if (rule->error != 0) {
      result = -1;
      error = rule->error;
    } else if (rule->most == 0) {
      result = (all + 1) / 2;
    } else if (rule->most < length) {
      result = (int64_t)rule->most;
    }
    note(call, rule, offset, length);
    break;
  }
  pthread_mutex_unlock(&mutex);
  if (late != 0) usleep((useconds_t)late * 1000);
  errno = error;
  return result;
}

/* ---- what plugins call, by the names of 64-bit offsets (this is compiled as they are) ---- */

ssize_t pread(int fd, void* to, size_t length, off_t offset) {
  const int64_t most = judge(fd, "read", 0, (uint64_t)offset, length);
  return most < 0 ? -1 : NEXT(pread)(fd, to, (size_t)most, offset);
}

ssize_t pwrite(int fd, const void* from, size_t length, off_t offset) {
  const int64_t most = judge(fd, "write", 0, (uint64_t)offset, length);
  return most < 0 ? -1 : NEXT(pwrite)(fd, from, (size_t)most, offset);
}

static size_t size_of(const struct iovec* vector, int count) {
  size_t length = 0;
  for (int i = 0; i < count; i++) length += vector[i].iov_len;
  return length;
}

/* Only the first part of a vector that is to be cut. */
static struct iovec head_of(const struct iovec* vector, int64_t most) {
  struct iovec head = *vector;
  if ((uint64_t)most < head.iov_len) head.iov_len = (size_t)most;
  return head;
}

ssize_t preadv2(int fd, const struct iovec* vector, int count, off_t offset, int flags) {
  const size_t length = size_of(vector, count);
  const int64_t most = judge(fd, "read", 0, (uint64_t)offset, length);
  if (most < 0) return -1;
  if ((size_t)most == length) return NEXT(preadv2)(fd, vector, count, offset, flags);
  const struct iovec head = head_of(vector, most);
  return NEXT(preadv2)(fd, &head, 1, offset, flags);
}

ssize_t preadv(int fd, const struct iovec* vector, int count, off_t offset) {
  return preadv2(fd, vector, count, offset, 0);
}

ssize_t pwritev2(int fd, const struct iovec* vector, int count, off_t offset, int flags) {
  const size_t length = size_of(vector, count);
  const int fua = (flags & (RWF_DSYNC | RWF_SYNC)) != 0;
  const int64_t most = judge(fd, "write", fua, (uint64_t)offset, length);
  if (most < 0) return -1;
  if ((size_t)most == length) return NEXT(pwritev2)(fd, vector, count, offset, flags);
  const struct iovec head = head_of(vector, most);
  return NEXT(pwritev2)(fd, &head, 1, offset, flags);
}

ssize_t pwritev(int fd, const struct iovec* vector, int count, off_t offset) {
  return pwritev2(fd, vector, count, offset, 0);
}

int fdatasync(int fd) {
  return judge(fd, "sync", 0, 0, 0) < 0 ? -1 : NEXT(fdatasync)(fd);
}

int fsync(int fd) {
  return judge(fd, "sync", 0, 0, 0) < 0 ? -1 : NEXT(fsync)(fd);
}

/* There is no such thing as a short one: what short says, it does and then fails with EIO. */
int fallocate(int fd, int mode, off_t offset, off_t length) {
  const int64_t most = judge(fd, "zero", 0, (uint64_t)offset, (uint64_t)length);
  if (most < 0) return -1;
  const int result = NEXT(fallocate)(fd, mode, offset, most);
  if (result != 0 || most == length) return result;
  errno = EIO;
  return -1;
}

int posix_fadvise(int fd, off_t offset, off_t length, int advice) {
  if (advice == POSIX_FADV_WILLNEED &&
      judge(fd, "willneed", 0, (uint64_t)offset, (uint64_t)length) < 0)
    return errno;
  return NEXT(posix_fadvise)(fd, offset, length, advice);
}

int fstat(int fd, struct stat* status) {
  return judge(fd, "stat", 0, 0, 0) < 0 ? -1 : stat_of(fd, status);
}
