/* SPDX-License-Identifier: Apache-2.0 */
/* Seals and opens under the sanitizers, and opens what was changed, cut and lengthened. */

#include "../frame.c"

#include "../../../native/tests/test.h"

static FRM_Keys *make(int bits) {
  uint8_t k1[FRM_HASH_BLOCK], k2[FRM_KEY];
  FRM_Keys *keys;

  for (unsigned i = 0; i < sizeof(k1); i++)
    k1[i] = (uint8_t)random_below(256);
  for (unsigned i = 0; i < sizeof(k2); i++)
    k2[i] = (uint8_t)random_below(256);
  keys = FRM_NewKeys(bits, k1, k2);
  CHECK(keys != NULL);
  return keys;
}

static void fill(uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++)
    bytes[i] = (uint8_t)random_below(256);
}

static void opens_what_it_sealed(FRM_Keys *keys) {
  uint8_t payload[FRM_PAYLOAD + 1] = {0};
  char room[FRM_MAXIMUM];
  FRM_Opened opened;

  for (size_t length = 0; length <= FRM_PAYLOAD; length++) {
    size_t size;

    fill(payload, length);
    size = FRM_Seal(keys, 1, 0x11223344, (uint32_t)length + 7, payload, length, room);
    CHECK(size > 0 && size <= FRM_MAXIMUM);
    CHECK(FRM_Open(keys, (uint8_t *)room, size, &opened) == FRM_OK);
    CHECK(opened.payload_type == 1 && opened.sequence == length + 7 && opened.length == length);
    CHECK(memcmp(opened.payload, payload, length) == 0);
  }
  CHECK(FRM_Seal(keys, 1, 1, 1, payload, FRM_PAYLOAD + 1, room) == 0);
}

static void refuses_what_was_changed(FRM_Keys *keys) {
  const uint8_t payload[20] = "an IPMI message";
  char room[FRM_MAXIMUM];
  uint8_t *copy;
  FRM_Opened opened;
  size_t size = FRM_Seal(keys, 0, 1, 1, payload, sizeof(payload), room);

  /* Copies of their exact size: a read beyond the end is seen. */
  for (size_t length = 1; length <= size; length++) {
    copy = malloc(length);
    CHECK(copy != NULL);
    memcpy(copy, room, length);
    if (length == size)
      copy[4 + random_below(size - 4)] ^= (uint8_t)(1 + random_below(255));
    CHECK(FRM_Open(keys, copy, length, &opened) != FRM_OK);
    free(copy);
  }
}

static void survives_noise(FRM_Keys *keys) {
  FRM_Opened opened;

  for (int i = 0; i < 20000; i++) {
    size_t length = 1 + (size_t)random_below(1100);
    uint8_t *noise = malloc(length);

    CHECK(noise != NULL);
    fill(noise, length);
    if (length > HEADER && random_below(4) != 0) {
      noise[RMCP] = AUTH_RMCP_PLUS;
      noise[RMCP + 1] |= ENCRYPTED | AUTHENTICATED;
      noise[HEADER - 1] &= 3;
    }
    CHECK(FRM_Open(keys, noise, length, &opened) != FRM_OK);
    free(noise);
  }
}

/* With the right AuthCode over any sealed body: the length and padding checks are reached. */
static void judges_any_body(FRM_Keys *keys) {
  FRM_Opened opened;
  unsigned readable = 0;

  for (int i = 0; i < 20000; i++) {
    uint8_t datagram[FRM_MAXIMUM] = {0x06, 0, 0xFF, 0x07, AUTH_RMCP_PLUS, ENCRYPTED | AUTHENTICATED}, code[HASH_MAXIMUM];
    size_t size = (size_t)random_below(80), end = HEADER + size, trailer = (4 - (size + 2) % 4) % 4;
    FRM_Status status;

    datagram[HEADER - 2] = (uint8_t)size;
    fill(datagram + HEADER, size);
    memset(datagram + end, 0xFF, trailer);
    datagram[end + trailer] = (uint8_t)trailer;
    datagram[end + trailer + 1] = NEXT_HEADER;
    end += trailer + 2;
    CHECK(sign(keys, datagram + RMCP, end - RMCP, code));
    memcpy(datagram + end, code, keys->code);
    status = FRM_Open(keys, datagram, end + keys->code, &opened);
    CHECK(status == FRM_OK || status == FRM_UNREADABLE);
    CHECK(status != FRM_OK || (size >= 2 * BLOCK && size % BLOCK == 0 && opened.length < size));
    readable += status == FRM_OK;
  }
  CHECK(readable > 0);
}

int main(void) {
  CHECK(FRM_Initialise() == 0 && FRM_Initialise() == 0);
  FRM_FreeKeys(NULL);
  for (int bits = 160; bits <= 256; bits += 96) {
    FRM_Keys *keys = make(bits);

    opens_what_it_sealed(keys);
    refuses_what_was_changed(keys);
    survives_noise(keys);
    judges_any_body(keys);
    FRM_FreeKeys(keys);
  }
  puts("frame: ok");
  return 0;
}
