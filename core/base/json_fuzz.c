// json_fuzz.c - any bytes as JSON: what is taken can be written and read again, the same.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/json.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    json_t *value = shoal_json_parse((const char *)bytes, length, NULL);
    if (value == NULL) {
        return 0;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_t *again = text == NULL ? NULL : shoal_json_parse(text, strlen(text), NULL);
    if (!json_equal(value, again)) {
        abort();
    }
    free(text);
    json_decref(again);
    json_decref(value);
    return 0;
}
