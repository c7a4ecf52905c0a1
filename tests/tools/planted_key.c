// planted_key PLACE < BYTES: a process that has BYTES, at most a page of them, in one place of its
// memory and in no other, and waits. For the search that must find them. It says "planted" when
// they are there.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { page = 4096, odd = 3 };  // keys need not be aligned

static char data[page];

static void take_and_wait(char* place) {
  if (read(STDIN_FILENO, place + odd, page - odd) <= 0) exit(EXIT_FAILURE);
  if (write(STDOUT_FILENO, "planted\n", 8) != 8) exit(EXIT_FAILURE);
  for (;;) pause();
}

static void* on_stack(void* unused) {
  (void)unused;
  char frame[page] = {0};
  take_and_wait(frame);
  return NULL;
}

static void in_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, on_stack, NULL);
  pthread_join(thread, NULL);
}

static char* anonymous(int flags) {
  return mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
}

static char* locked(int excluded_from_dumps) {
  char* place = anonymous(MAP_PRIVATE);
  if (mlock(place, page) != 0) exit(EXIT_FAILURE);
  if (excluded_from_dumps) madvise(place, page, MADV_DONTDUMP);
  return place;
}

static char* in_a_file(void) {
  const int file = memfd_create("planted", 0);
  if (ftruncate(file, page) != 0) exit(EXIT_FAILURE);
  return mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

static void in_child(void) {
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    take_and_wait(malloc(page));
  }
  for (;;) pause();
}

// Nothing may read there, which does not mean that nothing is there.
static void behind_no_access(void) {
  char* place = anonymous(MAP_PRIVATE);
  if (read(STDIN_FILENO, place + odd, page - odd) <= 0) exit(EXIT_FAILURE);
  mprotect(place, page, PROT_NONE);
  if (write(STDOUT_FILENO, "planted\n", 8) != 8) exit(EXIT_FAILURE);
  for (;;) pause();
}

int main(int count, char** arguments) {
  const char* const place = count > 1 ? arguments[1] : "";
  if (strcmp(place, "heap") == 0) take_and_wait(malloc(page));
  if (strcmp(place, "data") == 0) take_and_wait(data);
  if (strcmp(place, "stack") == 0) on_stack(NULL);
  if (strcmp(place, "stack-of-a-thread") == 0) in_thread();
  if (strcmp(place, "shared-memory") == 0) take_and_wait(anonymous(MAP_SHARED));
  if (strcmp(place, "mapped-file") == 0) take_and_wait(in_a_file());
  if (strcmp(place, "no-access") == 0) behind_no_access();
  if (strcmp(place, "child") == 0) in_child();
  if (strcmp(place, "locked-but-dumped") == 0) take_and_wait(locked(0));
  if (strcmp(place, "locked") == 0) take_and_wait(locked(1));
  fprintf(stderr, "planted_key: no place is called '%s'\n", place);
  return EXIT_FAILURE;
}
