/* Preloaded into the nbdkit under test in sanitizer builds, after the sanitizer's runtime.
 *
 * A freelocale that frees nothing: after a TLS session glibc 2.36's lock of the locales is left
 * with one reader too few when libasan is preloaded (GnuTLS's dgettext is where it happens), and
 * p11-kit's destructor then waits for that lock for ever in freelocale: any nbdkit with TLS hangs
 * when it exits, whatever its plugin.
 *
 * Nothing is preloaded into what nbdkit starts: other programs are not ours to judge.
 */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

void freelocale(locale_t locale) {
  (void)locale;
}

/* The program of this project, which becomes nbdkit, hands the list on. */
__attribute__((constructor)) static void preload_no_further(void) {
  if (strcmp(program_invocation_short_name, "nbdkit") == 0) unsetenv("LD_PRELOAD");
}
