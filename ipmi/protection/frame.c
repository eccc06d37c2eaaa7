/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libcrypto.h"

enum {
  BLOCK = 16,
  HASH_MAXIMUM = 32,
  RMCP = 4,
  HEADER = 16,
  IV_STOCK = 16,
  AUTH_RMCP_PLUS = 0x06,
  NEXT_HEADER = 0x07,
  ENCRYPTED = 0x80,
  AUTHENTICATED = 0x40
};

struct FRM_Keys {
  /* Hashes that have the key's pads behind them (RFC 2104), and one to work with. */
  EVP_MD_CTX *inner, *outer, *work;
  EVP_CIPHER_CTX *encrypt, *decrypt;
  size_t code;
  /* Initialisation vectors in stock: asking for each alone takes as long as encrypting. */
  uint8_t ivs[IV_STOCK][BLOCK];
  size_t ivs_left;
};

static uint32_t get32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put32(uint8_t *bytes, uint32_t value) {
  for (unsigned i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(value >> 8 * i);
}

/* Keys ----------------------------------------------------------------------------------------------------------- */

static EVP_MD_CTX *new_hash(const EVP_MD *kind, const uint8_t key[FRM_HASH_BLOCK], uint8_t pad) {
  EVP_MD_CTX *hash = LCR_library.md_new();
  uint8_t block[FRM_HASH_BLOCK];

  for (unsigned i = 0; i < FRM_HASH_BLOCK; i++)
    block[i] = key[i] ^ pad;
  if (hash != NULL && (LCR_library.md_init(hash, kind, NULL) != 1 ||
                       LCR_library.md_update(hash, block, FRM_HASH_BLOCK) != 1)) {
    LCR_library.md_free(hash);
    hash = NULL;
  }
  explicit_bzero(block, sizeof(block));
  return hash;
}

static EVP_CIPHER_CTX *new_cipher(const uint8_t key[FRM_KEY], bool encrypt) {
  EVP_CIPHER_CTX *cipher = LCR_library.cipher_new();
  static const uint8_t no_iv[BLOCK];

  if (cipher != NULL && (LCR_library.cipher_init(cipher, LCR_library.aes_128_cbc(), NULL, key, no_iv, encrypt) != 1 ||
                         LCR_library.cipher_padding(cipher, 0) != 1)) {
    LCR_library.cipher_free(cipher);
    return NULL;
  }
  return cipher;
}

int FRM_Initialise(void) { return LCR_Load(); }

FRM_Keys *FRM_NewKeys(int hash_bits, const uint8_t k1[FRM_HASH_BLOCK], const uint8_t k2[FRM_KEY]) {
  FRM_Keys *keys = calloc(1, sizeof(*keys));
  const EVP_MD *kind;

  if (keys == NULL)
    return NULL;
  kind = hash_bits == 256 ? LCR_library.sha256() : LCR_library.sha1();
  keys->code = hash_bits == 256 ? 16 : 12;
  keys->inner = new_hash(kind, k1, 0x36);
  keys->outer = new_hash(kind, k1, 0x5C);
  keys->work = LCR_library.md_new();
  keys->encrypt = new_cipher(k2, true);
  keys->decrypt = new_cipher(k2, false);
  if (keys->inner == NULL || keys->outer == NULL || keys->work == NULL || keys->encrypt == NULL ||
      keys->decrypt == NULL) {
    FRM_FreeKeys(keys);
    return NULL;
  }
  return keys;
}

/* All of these take NULL, and wipe what they free. */
void FRM_FreeKeys(FRM_Keys *keys) {
  if (keys == NULL)
    return;
  LCR_library.md_free(keys->inner);
  LCR_library.md_free(keys->outer);
  LCR_library.md_free(keys->work);
  LCR_library.cipher_free(keys->encrypt);
  LCR_library.cipher_free(keys->decrypt);
  free(keys);
}

/* Packets -------------------------------------------------------------------------------------------------------- */

static bool sign(FRM_Keys *keys, const uint8_t *data, size_t length, uint8_t code[HASH_MAXIMUM]) {
  unsigned size = 0;

  return LCR_library.md_copy(keys->work, keys->inner) == 1 && LCR_library.md_update(keys->work, data, length) == 1 &&
         LCR_library.md_final(keys->work, code, &size) == 1 && LCR_library.md_copy(keys->work, keys->outer) == 1 &&
         LCR_library.md_update(keys->work, code, size) == 1 && LCR_library.md_final(keys->work, code, &size) == 1;
}

/* Whether two strings are the same, in a time that does not tell where they differ. */
static bool same(const uint8_t *one, const uint8_t *other, size_t length) {
  volatile uint8_t difference = 0;

  for (size_t i = 0; i < length; i++)
    difference = (uint8_t)(difference | (one[i] ^ other[i]));
  return difference == 0;
}

static bool run_cipher(EVP_CIPHER_CTX *cipher, const uint8_t iv[BLOCK], const uint8_t *in, size_t length, uint8_t *out) {
  int done = 0;

  return LCR_library.cipher_init(cipher, NULL, NULL, NULL, iv, -1) == 1 &&
         LCR_library.cipher_update(cipher, out, &done, in, (int)length) == 1 && done == (int)length;
}

/* The length of the plain payload without its padding (1, 2, 3 ... and their count), or -1. */
static int unpadded(const uint8_t *plain, size_t length) {
  size_t padding = plain[length - 1];

  if (padding >= BLOCK)
    return -1;
  for (size_t i = 0; i < padding; i++) {
    if (plain[length - 1 - padding + i] != i + 1)
      return -1;
  }
  return (int)(length - 1 - padding);
}

/* Where padding of the trailer, its length and the next header stand between the payload's end and the AuthCode. */
static bool trailer_is_sound(const uint8_t *datagram, size_t payload_end, size_t code_start) {
  size_t padding;

  if (code_start < payload_end + 2 || datagram[code_start - 1] != NEXT_HEADER)
    return false;
  padding = code_start - 2 - payload_end;
  return padding < 4 && datagram[code_start - 2] == padding && ((code_start - RMCP) & 3) == 0;
}

static bool take_iv(FRM_Keys *keys, uint8_t iv[BLOCK]) {
  if (keys->ivs_left == 0) {
    if (LCR_library.random(keys->ivs[0], sizeof(keys->ivs)) != 1)
      return false;
    keys->ivs_left = IV_STOCK;
  }
  memcpy(iv, keys->ivs[--keys->ivs_left], BLOCK);
  return true;
}

FRM_Status FRM_Open(FRM_Keys *keys, const uint8_t *datagram, size_t length, FRM_Opened *opened) {
  uint8_t code[HASH_MAXIMUM], *payload = (uint8_t *)opened->payload;
  const uint8_t *sealed = datagram + HEADER;
  size_t size, code_start;
  int plain;

  if (length < HEADER + keys->code || length > FRM_MAXIMUM || datagram[RMCP] != AUTH_RMCP_PLUS ||
      (datagram[RMCP + 1] & (ENCRYPTED | AUTHENTICATED)) != (ENCRYPTED | AUTHENTICATED))
    return FRM_MALFORMED;
  size = datagram[HEADER - 2] | (size_t)datagram[HEADER - 1] << 8;
  code_start = length - keys->code;
  if (HEADER + size > length || !trailer_is_sound(datagram, HEADER + size, code_start))
    return FRM_MALFORMED;
  if (!sign(keys, datagram + RMCP, code_start - RMCP, code))
    return FRM_FAILED;
  if (!same(code, datagram + code_start, keys->code))
    return FRM_UNAUTHENTIC;

  opened->payload_type = datagram[RMCP + 1] & 0x3F;
  opened->sequence = get32(datagram + RMCP + 6);
  opened->length = 0;
  if (size < 2 * BLOCK || size % BLOCK != 0)
    return FRM_UNREADABLE;
  if (!run_cipher(keys->decrypt, sealed, sealed + BLOCK, size - BLOCK, payload))
    return FRM_FAILED;
  plain = unpadded(payload, size - BLOCK);
  if (plain < 0)
    return FRM_UNREADABLE;
  opened->length = (uint32_t)plain;
  return FRM_OK;
}

size_t FRM_Seal(FRM_Keys *keys, uint8_t payload_type, uint32_t session_id, uint32_t sequence, const uint8_t *payload,
                size_t length, char room[FRM_MAXIMUM]) {
  static const uint8_t rmcp[RMCP] = {0x06, 0x00, 0xFF, 0x07};
  uint8_t padded[FRM_MAXIMUM], code[HASH_MAXIMUM], *datagram = (uint8_t *)room;
  size_t pad, sealed, end, trailer;

  if (length > FRM_PAYLOAD)
    return 0;
  pad = (BLOCK - (length + 1) % BLOCK) % BLOCK;
  memcpy(padded, payload, length);
  for (size_t i = 0; i < pad; i++)
    padded[length + i] = (uint8_t)(i + 1);
  padded[length + pad] = (uint8_t)pad;
  sealed = BLOCK + length + pad + 1;

  memcpy(datagram, rmcp, RMCP);
  datagram[RMCP] = AUTH_RMCP_PLUS;
  datagram[RMCP + 1] = (uint8_t)(payload_type | ENCRYPTED | AUTHENTICATED);
  put32(datagram + RMCP + 2, session_id);
  put32(datagram + RMCP + 6, sequence);
  datagram[HEADER - 2] = (uint8_t)sealed;
  datagram[HEADER - 1] = (uint8_t)(sealed >> 8);
  if (!take_iv(keys, datagram + HEADER) ||
      !run_cipher(keys->encrypt, datagram + HEADER, padded, sealed - BLOCK, datagram + HEADER + BLOCK))
    return 0;
  end = HEADER + sealed;
  trailer = (4 - (sealed + 2) % 4) % 4;
  memset(datagram + end, 0xFF, trailer);
  datagram[end + trailer] = (uint8_t)trailer;
  datagram[end + trailer + 1] = NEXT_HEADER;
  end += trailer + 2;
  if (!sign(keys, datagram + RMCP, end - RMCP, code))
    return 0;
  memcpy(datagram + end, code, keys->code);
  return end + keys->code;
}
