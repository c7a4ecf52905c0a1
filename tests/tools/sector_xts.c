/* sector_xts encrypt|decrypt KEYHEX-FILE SECTOR-SIZE [FIRST-IV] < in > out
 *
 * AES-XTS with "plain64" tweaks as dm-crypt and LUKS use it, by libgcrypt: an oracle for the tests
 * that shares no code and no library with the project. KEYHEX-FILE holds the volume key in hex, 64
 * or 128 digits. The tweak counts 512-byte units whatever the sector size is; FIRST-IV is that of
 * the first sector. Input that is not whole sectors is an error.
 */
#include <errno.h>
#include <gcrypt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { max_key_bytes = 64, max_sector_bytes = 4096, iv_unit = 512 };

static void die(const char* what, const char* why) {
  fprintf(stderr, "sector_xts: %s: %s\n", what, why);
  exit(1);
}

static uint64_t number(const char* text) {
  char* end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 0);
  if (errno != 0 || end == text || *end != '\0') die(text, "not a number");
  return value;
}

static size_t read_hex_key(const char* path, unsigned char* key) {
  FILE* file = fopen(path, "r");
  if (file == NULL) die(path, strerror(errno));
  size_t bytes = 0;
  unsigned value;
  while (bytes < max_key_bytes && fscanf(file, "%2x", &value) == 1)
    key[bytes++] = (unsigned char)value;
  if (fscanf(file, " %*c") != EOF) die(path, "more than a key in hex digits");
  fclose(file);
  if (bytes != 32 && bytes != 64) die(path, "not 64 or 128 hex digits");
  return bytes;
}

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5) die("usage", "encrypt|decrypt KEYHEX-FILE SECTOR-SIZE [FIRST-IV]");
  const int encrypt = strcmp(argv[1], "encrypt") == 0;
  if (!encrypt && strcmp(argv[1], "decrypt") != 0) die(argv[1], "not encrypt or decrypt");

  unsigned char key[max_key_bytes];
  const size_t key_bytes = read_hex_key(argv[2], key);
  const uint64_t sector_bytes = number(argv[3]);
  if (sector_bytes < iv_unit || sector_bytes > max_sector_bytes || sector_bytes % iv_unit != 0)
    die(argv[3], "not a sector size");
  uint64_t tweak = argc == 5 ? number(argv[4]) : 0;

  if (!gcry_check_version(GCRYPT_VERSION)) die("libgcrypt", "older than its header");
  gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
  gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);

  gcry_cipher_hd_t cipher;
  const int algorithm = key_bytes == 32 ? GCRY_CIPHER_AES128 : GCRY_CIPHER_AES256;
  gcry_error_t error = gcry_cipher_open(&cipher, algorithm, GCRY_CIPHER_MODE_XTS, 0);
  if (!error) error = gcry_cipher_setkey(cipher, key, key_bytes);
  if (error) die("AES-XTS", gcry_strerror(error));

  unsigned char sector[max_sector_bytes];
  size_t got;
  while ((got = fread(sector, 1, sector_bytes, stdin)) == sector_bytes) {
    unsigned char iv[16] = {0};
    for (int i = 0; i < 8; i++) iv[i] = (unsigned char)(tweak >> (8 * i));
    error = gcry_cipher_setiv(cipher, iv, sizeof iv);
    if (!error)
      error = encrypt ? gcry_cipher_encrypt(cipher, sector, got, NULL, 0)
                      : gcry_cipher_decrypt(cipher, sector, got, NULL, 0);
    if (error) die(argv[1], gcry_strerror(error));
    if (fwrite(sector, 1, got, stdout) != got) die("output", strerror(errno));
    tweak += sector_bytes / iv_unit;
  }
  if (ferror(stdin)) die("input", strerror(errno));
  if (got != 0) die("input", "not whole sectors");
  if (fflush(stdout) != 0) die("output", strerror(errno));
  gcry_cipher_close(cipher);
  return 0;
}
