/* Preloaded into nbdkit in sanitizer builds: a freelocale that frees nothing.
 *
 * After a TLS session glibc 2.36's lock of the locales is left with one reader too few when libasan
 * is preloaded (GnuTLS's dgettext is where it happens), and p11-kit's destructor then waits for
 * that lock for ever in freelocale: any nbdkit with TLS hangs when it exits, whatever its plugin.
 */
#include <locale.h>

void freelocale(locale_t locale) {
  (void)locale;
}
