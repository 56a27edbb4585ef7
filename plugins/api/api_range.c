// api_range.c - the Content-Range of a chunk, and the ids of uploads.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/evp.h>
#include <string.h>

#include <shoal/error.h>

#include "api_range.h"

#define USER_HEX 16

// Reads digits (at most 15: far beyond any file, far from overflow) and moves *at behind them.
static bool read_number(const char **at, uint64_t *out)
{
    size_t length = strspn(*at, "0123456789");
    if (length == 0 || length > 15) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < length; i++) {
        *out = *out * 10 + (uint64_t)((*at)[i] - '0');
    }
    *at += length;
    return true;
}

int api_range_parse(const char *text, struct api_range *out)
{
    *out = (struct api_range){0};
    static const char unit[] = "bytes ";
    if (text == NULL || strncmp(text, unit, sizeof unit - 1) != 0) {
        return SHOAL_EINVAL;
    }
    const char *at = text + sizeof unit - 1;
    if (*at == '*') {
        out->is_query = true;
        at++;
    } else {
        if (!read_number(&at, &out->first) || *at++ != '-' || !read_number(&at, &out->last) ||
            out->last < out->first) {
            return SHOAL_EINVAL;
        }
    }
    if (*at++ != '/') {
        return SHOAL_EINVAL;
    }
    if (*at == '*') {
        return at[1] == '\0' ? 0 : SHOAL_EINVAL;
    }
    out->has_total = true;
    if (!read_number(&at, &out->total) || *at != '\0') {
        return SHOAL_EINVAL;
    }
    return out->is_query || out->last < out->total ? 0 : SHOAL_EINVAL;
}

static void hex(const unsigned char *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}

static void hash_user(int64_t user_id, char out[USER_HEX + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char text[16] = "uploads:";
    for (size_t i = 0; i < 8; i++) {
        text[8 + i] = (unsigned char)((uint64_t)user_id >> (8 * i));
    }
    EVP_Digest(text, sizeof text, digest, NULL, EVP_sha256(), NULL);
    hex(digest, USER_HEX / 2, out);
}

void api_upload_id(int64_t user_id, const char *const *parts, char out[API_UPLOAD_ID_LENGTH + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    hash_user(user_id, out);
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    EVP_DigestInit_ex(state, EVP_sha256(), NULL);
    EVP_DigestUpdate(state, out, USER_HEX);
    for (size_t i = 0; parts[i] != NULL; i++) {
        EVP_DigestUpdate(state, parts[i], strlen(parts[i]) + 1);
    }
    EVP_DigestFinal_ex(state, digest, NULL);
    EVP_MD_CTX_free(state);
    hex(digest, (API_UPLOAD_ID_LENGTH - USER_HEX) / 2, out + USER_HEX);
}

bool api_upload_id_valid(const char *id)
{
    return id != NULL && strlen(id) == API_UPLOAD_ID_LENGTH &&
           strspn(id, "0123456789abcdef") == API_UPLOAD_ID_LENGTH;
}

bool api_upload_id_owned(const char *id, int64_t user_id)
{
    char own[USER_HEX + 1];
    hash_user(user_id, own);
    return strncmp(id, own, USER_HEX) == 0;
}
