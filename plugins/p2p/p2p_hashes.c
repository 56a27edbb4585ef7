// p2p_hashes.c - the names of a video's swarms, as players of each generation make them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "p2p_index.h"

#define TEXT_MAX   2048
#define KEPT_BYTES 15 // of a digest: 20 characters of base64

static int digest(const EVP_MD *kind, const char *text, unsigned char out[EVP_MAX_MD_SIZE])
{
    unsigned int length = 0;
    return EVP_Digest(text, strlen(text), out, &length, kind, NULL) == 1 ? 0 : SHOAL_EINTERNAL;
}

static void base64(const unsigned char kept[KEPT_BYTES], struct p2p_hash *out)
{
    unsigned char text[P2P_HASH_BYTES + 1];
    EVP_EncodeBlock(text, kept, KEPT_BYTES);
    memcpy(out->bytes, text, P2P_HASH_BYTES);
}

// The sum of a text that is made of two parts.
static int sum_of(const EVP_MD *kind, const char *before, const char *subject, const char *between,
    const char *stream, unsigned char *sum)
{
    char text[TEXT_MAX];
    int length = snprintf(text, sizeof text, "%s%s%s%s", before, subject, between, stream);
    bool fits = length >= 0 && (size_t)length < sizeof text;
    return fits && digest(kind, text, sum) == 0 ? 0 : SHOAL_EINTERNAL;
}

int p2p_hash_first(const char *master, int index, struct p2p_hash *out)
{
    char number[16];
    unsigned char sum[EVP_MAX_MD_SIZE];
    snprintf(number, sizeof number, "%d", index);
    int code = sum_of(EVP_sha1(), "2", master, "+V", number, sum);
    if (code == 0) {
        out->generation = 1;
        memcpy(out->bytes, sum, P2P_HASH_BYTES);
    }
    return code;
}

int p2p_hash_second(const char *master, const char *stream, struct p2p_hash *out)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    int code = sum_of(EVP_md5(), "v2-", master, "-", stream, sum);
    if (code == 0) {
        out->generation = 2;
        base64(sum + 1, out); // players drop the first byte
    }
    return code;
}

int p2p_hash_third(const char *uuid, const char *stream, struct p2p_hash *out)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    int code = sum_of(EVP_sha1(), "pt-v2-", uuid, "-", stream, sum);
    if (code == 0) {
        out->generation = 3;
        base64(sum, out);
    }
    return code;
}

static int of_rendition(const char *master, const char *uuid, int index, int resolution,
    struct p2p_hash out[3])
{
    char second[32];
    char third[48];
    snprintf(second, sizeof second, "main-%d", index);
    snprintf(third, sizeof third, "main-default-%d", resolution);
    int code = p2p_hash_first(master, index, &out[0]);
    code = code == 0 ? p2p_hash_second(master, second, &out[1]) : code;
    return code == 0 ? p2p_hash_third(uuid, third, &out[2]) : code;
}

int p2p_hashes_make(const json_t *video, struct p2p_hash out[P2P_HASHES_MAX])
{
    const char *master = shoal_text(video, "streamingPlaylists.0.playlistUrl", NULL);
    const char *uuid = shoal_text(video, "uuid", "");
    const json_t *files = shoal_get(video, "streamingPlaylists.0.files");
    size_t files_count = json_array_size(files) < P2P_FILES_MAX ? json_array_size(files)
                                                                : P2P_FILES_MAX;
    bool has_sound_apart = false;
    int count = 0;
    for (size_t i = 0; master != NULL && i < files_count; i++) {
        int resolution = (int)shoal_integer(json_array_get(files, i), "resolution.id", 0);
        has_sound_apart = has_sound_apart || resolution == 0;
        int code = of_rendition(master, uuid, (int)i, resolution, out + count);
        if (code != 0) {
            return code;
        }
        count += 3;
    }
    if (has_sound_apart) {
        int code = p2p_hash_second(master, "secondary-0", &out[count++]);
        code = code == 0 ? p2p_hash_third(uuid, "secondary-default-default", &out[count++]) : code;
        if (code != 0) {
            return code;
        }
    }
    return count;
}

static void hex(const unsigned char *bytes, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = '\0';
}

void p2p_hash_name(const struct p2p_hash *hash, char out[P2P_NAME_BYTES])
{
    if (hash->generation == 3) {
        memcpy(out, hash->bytes, P2P_HASH_BYTES);
        out[P2P_HASH_BYTES] = '\0';
        return;
    }
    hex(hash->bytes, P2P_HASH_BYTES, out);
}
