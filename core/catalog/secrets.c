// secrets.c - keys that plugins seal with: derived from a file beside the database, never kept in it.
//
// The file is made when it is first asked for and lies in the instance's folder, so that a copy of the
// database alone opens nothing. A backup of the instance has both.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <shoal/buf.h>
#include <shoal/plugin.h>
#include <shoal/services.h>

#include "base/file.h"
#include "host/permissions.h"

#define SECRET_BYTES 32
#define SECRET_FILE  "secret.key"

static int secret_read(const char *path, unsigned char out[SECRET_BYTES], struct shoal_err *err)
{
    struct shoal_buf text = {0};
    size_t length = 0;
    int code = shoal_file_read_whole(path, 4096, &text, err);
    if (code == 0 && (sodium_hex2bin(out, SECRET_BYTES, text.data, text.length, "\r\n ", &length,
                          NULL) != 0 || length != SECRET_BYTES)) {
        code = shoal_fail(err, SHOAL_ECORRUPT, "%s is not 64 hexadecimal digits", path);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.length);
    }
    shoal_buf_fini(&text);
    return code;
}

// A link to a synced file: of two that make it at once the first stays, and none is seen half.
static int secret_make(const char *folder, const char *path, struct shoal_err *err)
{
    char fresh[4352];
    char text[2 * SECRET_BYTES + 2];
    char mark[17];
    shoal_random_hex(mark, 8);
    snprintf(fresh, sizeof fresh, "%s.%s.new", path, mark);
    shoal_random_hex(text, SECRET_BYTES);
    text[2 * SECRET_BYTES] = '\n';
    int code = shoal_file_write_whole(fresh, text, 2 * SECRET_BYTES + 1, 0600, err);
    sodium_memzero(text, sizeof text);
    if (code == 0 && shoal_file()->link(fresh, path) != 0 && errno != EEXIST) {
        code = shoal_file_fail(err, errno, "make", path);
    }
    shoal_file()->unlink(fresh);
    return code == 0 ? shoal_folder_sync(folder, err) : code;
}

int catalog_secret(const char *folder, const char *plugin, const char *name, void *out,
    size_t bytes, struct shoal_err *err)
{
    char path[4096];
    unsigned char secret[SECRET_BYTES];
    struct shoal_err missing = {0};
    if (bytes < crypto_generichash_BYTES_MIN || bytes > crypto_generichash_BYTES_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "a secret has 16 to 64 bytes");
    }
    snprintf(path, sizeof path, "%.4000s/" SECRET_FILE, folder);
    int code = secret_read(path, secret, &missing);
    if (code == SHOAL_ENOTFOUND) {
        code = secret_make(folder, path, err);
        code = code == 0 ? secret_read(path, secret, err) : code;
    } else if (code != 0) {
        code = shoal_fail(err, code, "%s", missing.text);
    }
    if (code == 0) {
        crypto_generichash_state state;
        crypto_generichash_init(&state, secret, sizeof secret, bytes);
        crypto_generichash_update(&state, (const unsigned char *)plugin, strlen(plugin) + 1);
        crypto_generichash_update(&state, (const unsigned char *)name, strlen(name) + 1);
        crypto_generichash_final(&state, out, bytes);
        sodium_memzero(&state, sizeof state);
    }
    sodium_memzero(secret, sizeof secret);
    return code;
}

int shoal_secret(
    struct shoal_call *call, const char *name, void *out, size_t bytes, struct shoal_err *err)
{
    const char *folder = shoal_instance_path("data");
    const struct shoal_plugin *plugin = shoal_call_plugin(call);
    int code = shoal_permission_call(call, "secrets", NULL, err);
    if (code != 0) {
        return code;
    }
    if (folder == NULL) {
        return shoal_fail(err, SHOAL_EINTERNAL, "the instance has no folder");
    }
    return catalog_secret(
        folder, plugin != NULL ? shoal_plugin_name(plugin) : "", name, out, bytes, err);
}
