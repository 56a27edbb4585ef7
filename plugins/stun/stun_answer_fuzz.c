// stun_answer_fuzz.c - any bytes as a STUN request: an answer fits, and is hardly longer than the request.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "stun_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct stun_source source = {
        .address = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 4444};
    unsigned char out[STUN_ANSWER_MAX];
    size_t count = stun_answer(bytes, length, &source, out);
    bool is_odd = count > sizeof out || count % 4 != 0 || (count > 0 && count < 32) ||
                  (count > 0 && count > length + 24);
    if (is_odd || (count > 0 && memcmp(out + 4, bytes + 4, 16) != 0)) {
        abort();
    }
    return 0;
}
