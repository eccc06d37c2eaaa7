/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer on whole datagrams: as they come, and with an AuthCode that fits, so that all of FRM_Open is reached. */

#include "../frame.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static FRM_Keys *keys;
  static const uint8_t k1[FRM_HASH_BLOCK] = {1}, k2[FRM_KEY] = {2};
  uint8_t code[HASH_MAXIMUM], *copy;
  char room[FRM_MAXIMUM];
  FRM_Opened opened;
  FRM_Status status;

  if (keys == NULL && (FRM_Initialise() != 0 || (keys = FRM_NewKeys(160, k1, k2)) == NULL))
    abort();
  (void)FRM_Open(keys, data, size, &opened);
  if (size <= RMCP || size > FRM_MAXIMUM)
    return 0;
  copy = malloc(size + keys->code);
  if (copy == NULL || !sign(keys, data + RMCP, size - RMCP, code))
    abort();
  memcpy(copy, data, size);
  memcpy(copy + size, code, keys->code);
  status = FRM_Open(keys, copy, size + keys->code, &opened);
  if (status == FRM_UNAUTHENTIC || status == FRM_FAILED)
    abort();
  if (status == FRM_OK && opened.length <= FRM_PAYLOAD &&
      FRM_Seal(keys, opened.payload_type, 1, opened.sequence, (uint8_t *)opened.payload, opened.length, room) == 0)
    abort();
  free(copy);
  return 0;
}
