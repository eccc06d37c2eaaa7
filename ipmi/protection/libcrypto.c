/* SPDX-License-Identifier: Apache-2.0 */
#include "libcrypto.h"

#include <dlfcn.h>
#include <string.h>

LCR_Library LCR_library;

static const char *const names[] = {
    "EVP_sha1",           "EVP_sha256",          "EVP_MD_CTX_new",     "EVP_MD_CTX_free",
    "EVP_MD_CTX_copy_ex", "EVP_DigestInit_ex",   "EVP_DigestUpdate",   "EVP_DigestFinal_ex",
    "EVP_aes_128_cbc",    "EVP_CIPHER_CTX_new",  "EVP_CIPHER_CTX_free", "EVP_CipherInit_ex",
    "EVP_CIPHER_CTX_set_padding", "EVP_CipherUpdate", "RAND_bytes"};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

_Static_assert(sizeof(LCR_Library) == NAMES * sizeof(void *), "one name for each function, in their order");

int LCR_Load(void) {
  void *found[NAMES], *library;

  if (LCR_library.random != NULL)
    return 0;
  library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    return -1;
  for (unsigned i = 0; i < NAMES; i++) {
    found[i] = dlsym(library, names[i]);
    if (found[i] == NULL) {
      dlclose(library);
      return -1;
    }
  }
  memcpy(&LCR_library, found, sizeof(LCR_library));
  return 0;
}
