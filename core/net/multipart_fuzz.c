// multipart_fuzz.c - any bytes as a multipart body, whole and in pieces: both must come out alike.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "net/multipart_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct sum {
    uint64_t bytes, parts, hash;
};

static int on_begin(void *user, const struct shoal_part *part, struct shoal_err *err)
{
    struct sum *sum = user;
    (void)err;
    sum->parts++;
    sum->hash = sum->hash * 31 + strlen(part->name) + strlen(part->filename);
    return 0;
}

static int on_data(void *user, const char *data, size_t length, struct shoal_err *err)
{
    struct sum *sum = user;
    (void)err;
    sum->bytes += length;
    for (size_t i = 0; i < length; i++) {
        sum->hash = sum->hash * 31 + (unsigned char)data[i];
    }
    return 0;
}

static int on_end(void *user, struct shoal_err *err)
{
    struct sum *sum = user;
    (void)err;
    sum->hash++;
    return 0;
}

static const struct shoal_part_ops ops = {on_begin, on_data, on_end};

static int run(const char *data, size_t length, size_t step, struct sum *sum)
{
    static struct shoal_multipart parser;
    shoal_multipart_init(&parser, shoal_span("multipart/form-data; boundary=x"), &ops, sum, NULL);
    int rc = 0;
    for (size_t at = 0; at < length && rc == 0; at += step) {
        size_t take = length - at < step ? length - at : step;
        rc = shoal_multipart_feed(&parser, data + at, take, NULL);
    }
    return rc ? rc : shoal_multipart_end(&parser, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct sum whole = {0}, pieces = {0};
    int first = run((const char *)bytes, length, length + 1, &whole);
    int second = run((const char *)bytes, length, 3, &pieces);
    if (first != second || (first == 0 && memcmp(&whole, &pieces, sizeof whole) != 0)) {
        abort();
    }
    return 0;
}
