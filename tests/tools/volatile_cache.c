/* An nbdkit plugin for the tests: a disk with a volatile write cache. What was written is in
 * memory, and gone with the process, until a flush or a write with FUA puts it into the file; or
 * until the disk does so by itself, whenever it likes and block by block.
 *
 *   file=PATH         where the blocks are that reached the storage; of whole blocks
 *   block=BYTES       what reaches it at once or not at all (default 512)
 *   writeback=PERCENT how eagerly the disk writes by itself (default 20)
 *   fua=false         flush is all that it offers
 *   lies=flush|fua    answers that without doing it
 *   fails=PATH        a flush or FUA that finds this file removes it and fails
 */
#define NBDKIT_API_VERSION 2
#include <errno.h>
#include <fcntl.h>
#include <nbdkit-plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

static char* path;
static char* fails;
static uint32_t block = 512;
static uint32_t writeback = 20;
static int has_fua = 1;
static int flush_lies, fua_lies;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of all below */
static int storage = -1;
static char* bytes;
static char* dirty; /* one for each block */
static uint64_t size;

static int configure(const char* key, const char* value) {
  if (strcmp(key, "file") == 0) {
    path = nbdkit_absolute_path(value);
    return path == NULL ? -1 : 0;
  }
  if (strcmp(key, "fails") == 0) {
    fails = nbdkit_absolute_path(value);
    return fails == NULL ? -1 : 0;
  }
  if (strcmp(key, "block") == 0) return nbdkit_parse_uint32_t(key, value, &block);
  if (strcmp(key, "writeback") == 0) return nbdkit_parse_uint32_t(key, value, &writeback);
  if (strcmp(key, "fua") == 0) return (has_fua = nbdkit_parse_bool(value)) == -1 ? -1 : 0;
  if (strcmp(key, "lies") == 0) {
    flush_lies |= strcmp(value, "flush") == 0;
    fua_lies |= strcmp(value, "fua") == 0;
    return 0;
  }
  nbdkit_error("unknown parameter %s", key);
  return -1;
}

static int get_ready(void) {
  struct stat status;
  unsigned seed;
  storage = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (storage == -1 || fstat(storage, &status) != 0 || getentropy(&seed, sizeof seed) != 0) {
    nbdkit_error("cannot use %s", path == NULL ? "no file" : path);
    return -1;
  }
  srandom(seed);
  size = (uint64_t)status.st_size;
  bytes = malloc(size);
  dirty = calloc(1, size / block + 1);
  if (size % block != 0 || bytes == NULL || dirty == NULL ||
      pread(storage, bytes, size, 0) != status.st_size) {
    nbdkit_error("cannot read %s", path);
    return -1;
  }
  return 0;
}

static void unload(void) {
  if (storage != -1) close(storage);
  free(bytes);
  free(dirty);
  free(path);
  free(fails);
}

/* ---- with the mutex held ---- */

static int chance(uint32_t percent) {
  return random() % 100 < (long)percent;
}

static int store(uint64_t index) {
  if (!dirty[index]) return 0;
  if (pwrite(storage, bytes + index * block, block, (off_t)(index * block)) != (ssize_t)block)
    return -1;
  dirty[index] = 0;
  return 0;
}

/* Blocks [first, last) reach the storage because somebody asked for it. */
static int make_durable(uint64_t first, uint64_t last, int lie) {
  if (fails != NULL && unlink(fails) == 0) {
    errno = EIO;
    nbdkit_error("fails because %s was there", fails);
    return -1;
  }
  for (uint64_t index = first; !lie && index < last; index++)
    if (store(index) == -1) return -1;
  return 0;
}

static int changed(uint64_t offset, uint64_t count, uint32_t flags) {
  if (count == 0) return 0;
  const uint64_t first = offset / block;
  const uint64_t last = (offset + count - 1) / block + 1;
  for (uint64_t index = first; index < last; index++) dirty[index] = 1;
  if (flags & NBDKIT_FLAG_FUA) return make_durable(first, last, fua_lies);
  for (uint64_t index = first; index < last; index++)
    if (chance(writeback) && store(index) == -1) return -1;
  if (chance(writeback)) return store((uint64_t)random() % (size / block));
  return 0;
}

/* ---- requests ---- */

static void* open_client(int read_only) {
  (void)read_only;
  return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t get_size(void* handle) {
  (void)handle;
  return (int64_t)size;
}

static int yes(void* handle) {
  (void)handle;
  return 1;
}

static int can_fua(void* handle) {
  (void)handle;
  return has_fua ? NBDKIT_FUA_NATIVE : NBDKIT_FUA_NONE;
}

static int read_bytes(void* handle, void* to, uint32_t count, uint64_t offset, uint32_t flags) {
  (void)handle;
  (void)flags;
  pthread_mutex_lock(&mutex);
  memcpy(to, bytes + offset, count);
  pthread_mutex_unlock(&mutex);
  return 0;
}

static int write_bytes(void* handle, const void* from, uint32_t count, uint64_t offset,
                       uint32_t flags) {
  (void)handle;
  pthread_mutex_lock(&mutex);
  memcpy(bytes + offset, from, count);
  const int result = changed(offset, count, flags);
  pthread_mutex_unlock(&mutex);
  return result;
}

static int zero_bytes(void* handle, uint32_t count, uint64_t offset, uint32_t flags) {
  (void)handle;
  pthread_mutex_lock(&mutex);
  memset(bytes + offset, 0, count);
  const int result = changed(offset, count, flags);
  pthread_mutex_unlock(&mutex);
  return result;
}

static int flush(void* handle, uint32_t flags) {
  (void)handle;
  (void)flags;
  pthread_mutex_lock(&mutex);
  const int result = make_durable(0, size / block, flush_lies);
  pthread_mutex_unlock(&mutex);
  return result;
}

static struct nbdkit_plugin plugin = {
    .name = "volatile-cache",
    .longname = "a disk with a volatile write cache",
    .description = "Forgets what was not flushed, for tests.",
    .config = configure,
    .get_ready = get_ready,
    .unload = unload,
    .open = open_client,
    .get_size = get_size,
    .can_write = yes,
    .can_flush = yes,
    .can_fua = can_fua,
    .can_multi_conn = yes,
    .pread = read_bytes,
    .pwrite = write_bytes,
    .zero = zero_bytes,
    .flush = flush,
    .errno_is_preserved = 1,
};

NBDKIT_REGISTER_PLUGIN(plugin)
