// api_digest.c - checksums of files, and of uploads while their chunks arrive.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api_digest.h"
#include "api_range.h"

#define STEP_BYTES   ((size_t)256 * 1024)
#define RUNNING_MAX  64

typedef void piece_fn(void *arg, const void *data, size_t length);

static void add_sum(void *arg, const void *data, size_t length)
{
    shoal_sha256_add(arg, data, length);
}

static void add_digest(void *arg, const void *data, size_t length)
{
    EVP_DigestUpdate(arg, data, length);
}

// Hands bytes of a file on. call may be NULL; otherwise its end stops the reading.
static int each_piece(const char *path, uint64_t first, uint64_t length, piece_fn *fn, void *arg,
    struct shoal_call *call)
{
    unsigned char *step = malloc(STEP_BYTES);
    int fd = step != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    int code = fd < 0 ? SHOAL_EIO : 0;
    while (length > 0 && code == 0) {
        size_t want = length < STEP_BYTES ? (size_t)length : STEP_BYTES;
        ssize_t got = pread(fd, step, want, (off_t)first);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            code = SHOAL_EIO;
            break;
        }
        fn(arg, step, (size_t)got);
        first += (uint64_t)got;
        length -= (uint64_t)got;
        code = call != NULL && shoal_call_cancelled(call) ? SHOAL_ECANCELLED : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    free(step);
    return code;
}

static int hash_part(const EVP_MD *kind, const char *path, uint64_t first, uint64_t length,
    unsigned char *out)
{
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    EVP_DigestInit_ex(state, kind, NULL);
    int code = each_piece(path, first, length, add_digest, state, NULL);
    EVP_DigestFinal_ex(state, out, NULL);
    EVP_MD_CTX_free(state);
    return code;
}

static int compare(const EVP_MD *kind, const char *base64, const char *path, uint64_t first,
    uint64_t length, struct shoal_err *err)
{
    unsigned char made[EVP_MAX_MD_SIZE];
    unsigned char wanted[EVP_MAX_MD_SIZE + 4];
    size_t bytes = (size_t)EVP_MD_get_size(kind);
    size_t characters = strcspn(base64, " ,;\t");
    if (characters != (bytes + 2) / 3 * 4 ||
        EVP_DecodeBlock(wanted, (const unsigned char *)base64, (int)characters) < (int)bytes) {
        return shoal_fail(err, SHOAL_EINVAL, "the checksum header is not base64 of %zu bytes", bytes);
    }
    if (hash_part(kind, path, first, length, made) != 0) {
        return shoal_fail(err, SHOAL_EIO, "the chunk cannot be read back");
    }
    return memcmp(made, wanted, bytes) == 0
               ? 0
               : shoal_fail(err, SHOAL_EMISMATCH, "the checksum of the chunk does not match");
}

int api_digest_check(const char *path, uint64_t first, uint64_t length, const char *digest,
    const char *md5, struct shoal_err *err)
{
    static const char name[] = "sha-256=";
    int code = 0;
    const char *at = digest;
    while (code == 0 && at != NULL) {
        at += strspn(at, " ,\t");
        if (strncasecmp(at, name, sizeof name - 1) == 0) {
            code = compare(EVP_sha256(), at + sizeof name - 1, path, first, length, err);
        }
        at = strchr(at, ',');
    }
    if (code == 0 && md5 != NULL) {
        code = compare(EVP_md5(), md5, path, first, length, err);
    }
    return code;
}

// One upload whose first `offset` bytes are summed up.
struct entry {
    char id[API_UPLOAD_ID_LENGTH + 1];
    struct shoal_sha256 *sum;
    uint64_t offset;
    int64_t used_ms;
};
struct api_running {
    pthread_mutex_t mutex;
    struct entry entries[RUNNING_MAX];
};

struct api_running *api_running_new(void)
{
    struct api_running *running = calloc(1, sizeof *running);
    if (running == NULL) {
        abort();
    }
    pthread_mutex_init(&running->mutex, NULL);
    return running;
}

void api_running_free(struct api_running *running)
{
    if (running == NULL) {
        return;
    }
    for (size_t i = 0; i < RUNNING_MAX; i++) {
        shoal_sha256_free(running->entries[i].sum);
    }
    pthread_mutex_destroy(&running->mutex);
    free(running);
}

// Takes the entry of an upload out of the table: while it is worked on, nobody else sees it.
static struct entry take(struct api_running *running, const char *id)
{
    struct entry found = {.sum = NULL};
    pthread_mutex_lock(&running->mutex);
    for (size_t i = 0; i < RUNNING_MAX; i++) {
        struct entry *entry = &running->entries[i];
        if (entry->sum != NULL && strcmp(entry->id, id) == 0) {
            found = *entry;
            *entry = (struct entry){.sum = NULL};
        }
    }
    pthread_mutex_unlock(&running->mutex);
    return found;
}

struct shoal_sha256 *api_running_take(struct api_running *running, const char *id, uint64_t first)
{
    struct entry entry = take(running, id);
    if (entry.sum != NULL && entry.offset == first) {
        return entry.sum;
    }
    shoal_sha256_free(entry.sum);
    return first == 0 ? shoal_sha256_new() : NULL;
}

// The one that was used longest ago makes room.
void api_running_put(struct api_running *running, const char *id, struct shoal_sha256 *sum,
    uint64_t offset)
{
    if (sum == NULL) {
        return;
    }
    pthread_mutex_lock(&running->mutex);
    struct entry *place = &running->entries[0];
    for (size_t i = 0; i < RUNNING_MAX && place->sum != NULL; i++) {
        struct entry *other = &running->entries[i];
        if (other->sum == NULL || other->used_ms < place->used_ms) {
            place = other;
        }
    }
    shoal_sha256_free(place->sum);
    *place = (struct entry){.sum = sum, .offset = offset, .used_ms = shoal_tick_ms()};
    memcpy(place->id, id, sizeof place->id);
    pthread_mutex_unlock(&running->mutex);
}

void api_running_drop(struct api_running *running, const char *id)
{
    struct entry entry = take(running, id);
    shoal_sha256_free(entry.sum);
}

int api_running_finish(struct api_running *running, struct shoal_call *call, const char *id,
    const char *path, uint64_t size_bytes, char out[65], struct shoal_err *err)
{
    struct entry entry = take(running, id);
    if (entry.sum == NULL || entry.offset > size_bytes) {
        shoal_sha256_free(entry.sum);
        entry = (struct entry){.sum = shoal_sha256_new()};
    }
    if (entry.sum == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory to hash a file");
    }
    int code = each_piece(path, entry.offset, size_bytes - entry.offset, add_sum, entry.sum, call);
    shoal_sha256_end(entry.sum, out);
    shoal_sha256_free(entry.sum);
    return code == 0 ? 0 : shoal_fail(err, code, "the uploaded file cannot be read back");
}
