// id.c - UUIDs and their 22-character short form.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>
#include <shoal/error.h>

#include <string.h>

#define SHORT_LENGTH 22

static const char alphabet[] = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

static bool is_hyphen_place(size_t place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

static void write_uuid(const unsigned char bytes[16], char out[37])
{
    static const char digits[] = "0123456789abcdef";
    size_t place = 0;
    for (size_t i = 0; i < 16; i++) {
        if (is_hyphen_place(place)) {
            out[place++] = '-';
        }
        out[place++] = digits[bytes[i] >> 4];
        out[place++] = digits[bytes[i] & 15];
    }
    out[place] = 0;
}

static bool read_uuid(const char *text, unsigned char bytes[16])
{
    if (!text) {
        return false;
    }
    size_t digits = 0;
    memset(bytes, 0, 16);
    for (size_t place = 0; place < 36; place++) {
        if (is_hyphen_place(place)) {
            if (text[place] != '-') {
                return false;
            }
            continue;
        }
        int value = hex_value(text[place]);
        if (value < 0) {
            return false;
        }
        bytes[digits / 2] = (unsigned char)(bytes[digits / 2] << 4 | value);
        digits++;
    }
    return text[36] == 0;
}

void shoal_uuid_new(char out[37])
{
    unsigned char bytes[16];
    shoal_random(bytes, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
    write_uuid(bytes, out);
}

bool shoal_uuid_valid(const char *text)
{
    unsigned char bytes[16];
    return read_uuid(text, bytes);
}

/// Divides the 128-bit number by 58 and gives the rest.
static unsigned divide(unsigned char bytes[16])
{
    unsigned rest = 0;
    for (size_t i = 0; i < 16; i++) {
        unsigned value = rest << 8 | bytes[i];
        bytes[i] = (unsigned char)(value / 58);
        rest = value % 58;
    }
    return rest;
}

int shoal_uuid_to_short(const char *uuid, char out[23])
{
    unsigned char bytes[16];
    if (!read_uuid(uuid, bytes)) {
        return SHOAL_EINVAL;
    }
    for (size_t i = SHORT_LENGTH; i > 0; i--) {
        out[i - 1] = alphabet[divide(bytes)];
    }
    out[SHORT_LENGTH] = 0;
    return 0;
}

/// Multiplies the 128-bit number by 58 and adds; false where it overflows.
static bool multiply(unsigned char bytes[16], unsigned add)
{
    for (size_t i = 16; i > 0; i--) {
        unsigned value = bytes[i - 1] * 58U + add;
        bytes[i - 1] = (unsigned char)(value & 0xFF);
        add = value >> 8;
    }
    return add == 0;
}

int shoal_uuid_from_short(const char *text, char out[37])
{
    if (!text || strnlen(text, SHORT_LENGTH + 1) != SHORT_LENGTH) {
        return SHOAL_EINVAL;
    }
    unsigned char bytes[16] = {0};
    for (size_t i = 0; i < SHORT_LENGTH; i++) {
        const char *place = strchr(alphabet, text[i]);
        if (!place || !multiply(bytes, (unsigned)(place - alphabet))) {
            return SHOAL_EINVAL;
        }
    }
    write_uuid(bytes, out);
    return 0;
}
