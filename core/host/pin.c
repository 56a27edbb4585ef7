// pin.c - digests and signatures of plugins that did not come with the server.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/pin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

#define FILES_MAX  4096
#define DEPTH_MAX  8
#define PATH_BYTES 1024

struct files {
    char **names; ///< relative to the folder; FILES_MAX of them
    size_t count;
};

/// Every file but those whose name begins with a dot, which neither the host nor Lua reads.
static int collect(
    const char *folder, const char *below, int depth, struct files *files, struct shoal_err *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", folder, below);
    DIR *dir = opendir(path);
    if (!dir) {
        return shoal_file_fail(err, errno, "open", path);
    }
    int code = 0;
    for (struct dirent *entry; code == 0 && (entry = readdir(dir));) {
        char name[PATH_BYTES];
        struct stat info;
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (snprintf(name, sizeof(name), "%s%s%s", below, *below ? "/" : "", entry->d_name) >=
                (int)sizeof(name) ||
            snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
            stat(path, &info) < 0) {
            continue;
        }
        if (S_ISDIR(info.st_mode) && depth == DEPTH_MAX) {
            code = shoal_fail(err, SHOAL_ETOOLARGE,
                "%s has folders deeper than %d: files in there would not be pinned", folder,
                DEPTH_MAX);
        } else if (S_ISDIR(info.st_mode)) {
            code = collect(folder, name, depth + 1, files, err);
        } else if (S_ISREG(info.st_mode)) {
            if (files->count == FILES_MAX) {
                code = shoal_fail(
                    err, SHOAL_ETOOLARGE, "%s has more than %d files", folder, FILES_MAX);
            } else {
                files->names[files->count++] = shoal_dup(name);
            }
        }
    }
    closedir(dir);
    return code;
}

static int hash_file(const char *path, char out[65], struct shoal_err *err)
{
    int fd = shoal_file()->open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return shoal_file_fail(err, errno, "open", path);
    }
    crypto_hash_sha256_state state;
    unsigned char buffer[16384];
    unsigned char hash[crypto_hash_sha256_BYTES];
    ssize_t got = 0;
    crypto_hash_sha256_init(&state);
    while ((got = shoal_file()->read(fd, buffer, sizeof(buffer))) > 0) {
        crypto_hash_sha256_update(&state, buffer, (unsigned long long)got);
    }
    int number = errno;
    close(fd);
    if (got < 0) {
        return shoal_file_fail(err, number, "read", path);
    }
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(out, 65, hash, sizeof(hash));
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int hash_all(
    const char *folder, const struct files *files, char out[65], struct shoal_err *err)
{
    crypto_hash_sha256_state state;
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < files->count; i++) {
        char path[PATH_BYTES * 2];
        snprintf(path, sizeof(path), "%s/%s", folder, files->names[i]);
        int code = hash_file(path, out, err);
        if (code < 0) {
            return code;
        }
        char line[PATH_BYTES + 80];
        int length = snprintf(line, sizeof(line), "%s  %s\n", out, files->names[i]);
        crypto_hash_sha256_update(&state, (const unsigned char *)line, (unsigned long long)length);
    }
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(out, 65, hash, sizeof(hash));
    return 0;
}

int shoal_pin_digest(const char *folder, char out[65], struct shoal_err *err)
{
    struct files files = {.names = shoal_alloc(FILES_MAX, sizeof(char *))};
    int code = collect(folder, "", 0, &files, err);
    qsort(files.names, files.count, sizeof(files.names[0]), by_text);
    if (code == 0 && files.count == 0) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "%s holds no file", folder);
    }
    code = code < 0 ? code : hash_all(folder, &files, out, err);
    for (size_t i = 0; i < files.count; i++) {
        free(files.names[i]);
    }
    free(files.names);
    return code;
}

/// Reads hex or base64 of exactly `length` bytes.
static bool read_bytes(const char *text, unsigned char *out, size_t length)
{
    size_t got = 0;
    const char *end = NULL;
    size_t text_length = strlen(text);
    if (sodium_hex2bin(out, length, text, text_length, NULL, &got, &end) == 0 && got == length &&
        end == text + text_length) {
        return true;
    }
    return sodium_base642bin(out, length, text, text_length, NULL, &got, &end,
               sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == length && end == text + text_length;
}

static int check_signature(const char *name, const char *digest, const char *signature,
    const char *key, struct shoal_err *err)
{
    unsigned char signature_bytes[crypto_sign_BYTES];
    unsigned char key_bytes[crypto_sign_PUBLICKEYBYTES];
    if (!read_bytes(signature, signature_bytes, sizeof(signature_bytes)) ||
        !read_bytes(key, key_bytes, sizeof(key_bytes))) {
        return shoal_fail(err, SHOAL_EINVAL,
            "plugin %s: signature and key must be Ed25519's bytes as base64 or hex", name);
    }
    if (crypto_sign_verify_detached(
            signature_bytes, (const unsigned char *)digest, 64, key_bytes) != 0) {
        return shoal_fail(err, SHOAL_EFORBIDDEN,
            "plugin %s: its files are not what the key in shoal.lua signed", name);
    }
    return 0;
}

int shoal_pin_check(
    const char *name, const char *folder, const json_t *options, struct shoal_err *err)
{
    char digest[65] = "";
    const char *pin = json_string_value(json_object_get(options, "sha256"));
    const char *signature = json_string_value(json_object_get(options, "signature"));
    const char *key = json_string_value(json_object_get(options, "key"));
    int code = shoal_pin_digest(folder, digest, err);
    if (code < 0) {
        return code;
    }
    if (signature && key) {
        return check_signature(name, digest, signature, key, err);
    }
    if (!pin) {
        return shoal_fail(err, SHOAL_EFORBIDDEN,
            "plugin %s did not come with the server and is not pinned: check it, then write { "
            "\"%s\", "
            "sha256 = \"%s\" } in shoal.lua",
            name, name, digest);
    }
    if (strcasecmp(pin, digest) != 0) {
        return shoal_fail(err, SHOAL_EFORBIDDEN,
            "plugin %s was changed: shoal.lua pins %s and its files have %s; if the change is "
            "meant, pin that",
            name, pin, digest);
    }
    return 0;
}
