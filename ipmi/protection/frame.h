/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_FRAME_H
#define PGOOD_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* Protected RMCP+ packets (IPMI 2.0 sections 13.6, 13.28, 13.29): opens and seals a whole datagram in one call.
   What the packets mean, and whether one may arrive, is decided above. Threads: one at a time for each FRM_Keys. */

typedef enum {
  FRM_OK,
  /* Lengths, trailer or protection flags are not those of a protected packet. */
  FRM_MALFORMED,
  /* The AuthCode does not fit; nothing but that is known. */
  FRM_UNAUTHENTIC,
  /* Authentic, but its ciphertext or its padding is not what the standard says; the header fields are valid. */
  FRM_UNREADABLE,
  /* The library of ciphers refused, or memory is short. */
  FRM_FAILED
} FRM_Status;

enum { FRM_MAXIMUM = 1024, FRM_PAYLOAD = 896, FRM_HASH_BLOCK = 64, FRM_KEY = 16 };

typedef struct FRM_Keys FRM_Keys;

typedef struct {
  uint32_t sequence;
  uint32_t length;
  uint8_t payload_type;
  char payload[1024];
} FRM_Opened;

/* Loads libcrypto (OpenSSL 3); 0, or -1 when this machine has none. May be called again. */
int FRM_Initialise(void);

/* Keys of one session: hash_bits 160 or 256, K1 padded with zeros to the hash's block, the first half of K2.
   NULL when memory is short or the library refuses. */
FRM_Keys *FRM_NewKeys(int hash_bits, const uint8_t k1[64], const uint8_t k2[16]);
void FRM_FreeKeys(FRM_Keys *keys);

/* Checks and decrypts a datagram of at most FRM_MAXIMUM bytes whose RMCP+ header names the session of these keys. */
FRM_Status FRM_Open(FRM_Keys *keys, const uint8_t *datagram, size_t length, FRM_Opened *opened);

/* Encrypts and signs at most FRM_PAYLOAD bytes; returns the length of the datagram, or 0 when there are more or the
   library refuses. */
size_t FRM_Seal(FRM_Keys *keys, uint8_t payload_type, uint32_t session_id, uint32_t sequence, const uint8_t *payload,
                size_t length, char room[1024]);

#endif
