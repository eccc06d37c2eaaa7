/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_LIBCRYPTO_H
#define PGOOD_LIBCRYPTO_H

#include <stddef.h>

/* The few functions of OpenSSL 3 that framing needs, found at run time: building needs no headers of it, and a
   machine without it gets a clear answer. Signatures: EVP_DigestInit(3), EVP_EncryptInit(3), RAND_bytes(3). */

typedef struct evp_md_st EVP_MD;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct engine_st ENGINE;

typedef struct {
  const EVP_MD *(*sha1)(void);
  const EVP_MD *(*sha256)(void);
  EVP_MD_CTX *(*md_new)(void);
  void (*md_free)(EVP_MD_CTX *context);
  int (*md_copy)(EVP_MD_CTX *to, const EVP_MD_CTX *from);
  int (*md_init)(EVP_MD_CTX *context, const EVP_MD *kind, ENGINE *engine);
  int (*md_update)(EVP_MD_CTX *context, const void *data, size_t length);
  int (*md_final)(EVP_MD_CTX *context, unsigned char *digest, unsigned *length);
  const EVP_CIPHER *(*aes_128_cbc)(void);
  EVP_CIPHER_CTX *(*cipher_new)(void);
  void (*cipher_free)(EVP_CIPHER_CTX *context);
  int (*cipher_init)(EVP_CIPHER_CTX *context, const EVP_CIPHER *kind, ENGINE *engine, const unsigned char *key,
                     const unsigned char *iv, int encrypt);
  int (*cipher_padding)(EVP_CIPHER_CTX *context, int padding);
  int (*cipher_update)(EVP_CIPHER_CTX *context, unsigned char *out, int *out_length, const unsigned char *in,
                       int in_length);
  int (*random)(unsigned char *out, int length);
} LCR_Library;

extern LCR_Library LCR_library;

/* 0, or -1 when there is no OpenSSL 3 on this machine. */
int LCR_Load(void);

#endif
