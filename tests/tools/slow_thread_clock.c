/* Preloaded into qemu-img: each time that it asks, its thread has had a second more of the CPU. It
 * measures for seconds how many iterations of a key derivation the machine does, and now and then
 * gives up because the clock has not moved; so it finds at once that they are very few.
 */
#include <sys/resource.h>

int getrusage(__rusage_who_t who, struct rusage* usage) {
  static __thread long seconds = 0;
  (void)who;
  *usage = (struct rusage){.ru_utime.tv_sec = ++seconds};
  return 0;
}
