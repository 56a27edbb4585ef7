// plugin_add.c - shoal plugin add: a package from elsewhere is checked, shown, unpacked, not loaded.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/plugins.h"
#include "cli/untar.h"
#include "host/manifest.h"
#include "host/permissions.h"
#include "host/pin.h"

/// Bytes from hex or base64 text, or as they are when there are exactly as many.
static bool bytes_read(const char *text, size_t length, unsigned char *out, size_t wanted)
{
    if (length == wanted) {
        memcpy(out, text, wanted);
        return true;
    }
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r' ||
                             text[length - 1] == ' ')) {
        length--;
    }
    size_t got = 0;
    if (sodium_hex2bin(out, wanted, text, length, NULL, &got, NULL) == 0 && got == wanted &&
        length == wanted * 2) {
        return true;
    }
    return sodium_base642bin(out, wanted, text, length, NULL, &got, NULL,
               sodium_base64_VARIANT_ORIGINAL) == 0 && got == wanted;
}

int shoal_package_pin_check(const void *data, size_t length, const char *pin,
    struct shoal_err *err)
{
    unsigned char hash[crypto_hash_sha256_BYTES], wanted[crypto_hash_sha256_BYTES];
    size_t got = 0;
    if (strlen(pin) != sizeof wanted * 2 ||
        sodium_hex2bin(wanted, sizeof wanted, pin, strlen(pin), NULL, &got, NULL) != 0 ||
        got != sizeof wanted) {
        return shoal_fail(err, SHOAL_EINVAL, "--sha256 takes 64 hexadecimal digits");
    }
    crypto_hash_sha256(hash, data, length);
    if (sodium_memcmp(hash, wanted, sizeof hash) != 0) {
        char is[sizeof hash * 2 + 1];
        sodium_bin2hex(is, sizeof is, hash, sizeof hash);
        return shoal_fail(err, SHOAL_EMISMATCH,
            "this is not the package that the pin means: its SHA-256 is %s", is);
    }
    return 0;
}

int shoal_package_signature_check(const void *data, size_t length, const char *key,
    const void *signature, size_t signature_length, struct shoal_err *err)
{
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES], signed_by[crypto_sign_BYTES];
    if (strlen(key) == sizeof public_key ||
        !bytes_read(key, strlen(key), public_key, sizeof public_key)) {
        return shoal_fail(err, SHOAL_EINVAL, "--key takes an Ed25519 key in hex or base64");
    }
    if (!bytes_read(signature, signature_length, signed_by, sizeof signed_by)) {
        return shoal_fail(err, SHOAL_EINVAL, "the file of the signature holds no Ed25519 signature");
    }
    if (crypto_sign_verify_detached(signed_by, data, length, public_key) != 0) {
        return shoal_fail(err, SHOAL_EMISMATCH, "the signature does not fit package and key");
    }
    return 0;
}

static int verify(const struct shoal_args *args, const struct shoal_buf *package,
    struct shoal_err *err)
{
    const char *pin = shoal_args_get(args, "sha256");
    const char *key = shoal_args_get(args, "key");
    const char *path = shoal_args_get(args, "signature");
    if (pin != NULL) {
        return shoal_package_pin_check(package->data, package->length, pin, err);
    }
    struct shoal_buf signature = {0};
    int code = shoal_file_read_whole(path, 4096, &signature, err);
    code = code != 0 ? code
                     : shoal_package_signature_check(package->data, package->length, key,
                           signature.data, signature.length, err);
    shoal_buf_fini(&signature);
    return code;
}

/// Puts the unpacked folder in its place; an older one goes.
static int place(const char *folder, const char *from, const char *name, struct shoal_err *err)
{
    char to[PATH_MAX], old[PATH_MAX + 16], source[PATH_MAX + 80];
    snprintf(to, sizeof to, "%s/plugins/%s", folder, name);
    snprintf(old, sizeof old, "%s.old", to);
    snprintf(source, sizeof source, "%s/%s", from, name);
    int code = shoal_tree_remove(old, err);
    if (code != 0) {
        return code;
    }
    if (rename(to, old) != 0 && errno != ENOENT) {
        return shoal_file_fail(err, errno, "move away", to);
    }
    if (rename(source, to) != 0) {
        int number = errno;
        if (rename(old, to) != 0 && errno != ENOENT) {
            fprintf(stderr, "shoal: the older version is at %s now\n", old);
        }
        return shoal_file_fail(err, number, "put in place", to);
    }
    return shoal_tree_remove(old, err);
}

void shoal_plugin_line_print(const char *folder, const char *name)
{
    char digest[65];
    struct shoal_err err = {0};
    if (shoal_pin_digest(folder, digest, &err) == 0) {
        printf("  { \"%s\", sha256 = \"%s\" },\n", name, digest);
    } else {
        printf("  \"%s\",\n", name);
    }
}

void shoal_plugin_permissions_print(const struct shoal_manifest *manifest)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    size_t count = 0;
    for (; manifest->permissions != NULL && manifest->permissions[count] != NULL; count++) {
        printf("  %s\n", shoal_permission_sentence(arena, manifest->permissions[count]));
    }
    if (count == 0) {
        puts("  nothing special");
    }
    if (strcmp(manifest->language, "c") == 0) {
        puts("It is C: it runs with all the rights of the server, and keeps to this by promise.");
    }
    shoal_arena_free(arena);
}

json_t *shoal_plugin_json(const struct shoal_manifest *manifest, const char *folder,
    const char *problem)
{
    char digest[65] = "";
    struct shoal_err err = {0};
    if (manifest == NULL) {
        return json_pack("{s:s}", "problem", problem);
    }
    json_t *permissions = json_array(), *sentences = json_array();
    struct shoal_arena *arena = shoal_arena_new(0);
    for (size_t i = 0; manifest->permissions != NULL && manifest->permissions[i] != NULL; i++) {
        json_array_append_new(permissions, json_string(manifest->permissions[i]));
        json_array_append_new(sentences,
            json_string(shoal_permission_sentence(arena, manifest->permissions[i])));
    }
    shoal_arena_free(arena);
    bool has_digest = shoal_pin_digest(folder, digest, &err) == 0;
    return json_pack("{s:s?, s:s, s:s, s:s, s:s?, s:o, s:o, s:s?}", "problem", problem, "name",
        manifest->name, "version", manifest->version, "language", manifest->language, "summary",
        manifest->summary, "permissions", permissions, "sentences", sentences, "sha256",
        has_digest ? digest : NULL);
}

static void tell(const struct shoal_manifest *manifest, const char *folder, bool is_json)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/plugins/%s", folder, manifest->name);
    if (is_json) {
        shoal_cli_print_json(shoal_plugin_json(manifest, path, NULL));
        return;
    }
    printf("%s %s: %s\nIt is allowed to:\n", manifest->name, manifest->version,
        manifest->summary != NULL ? manifest->summary : "");
    shoal_plugin_permissions_print(manifest);
    printf("\nIt is unpacked and not loaded. To use it, add this line to plugins in %s/shoal.lua:\n",
        folder);
    shoal_plugin_line_print(path, manifest->name);
}

static int unpack(const char *folder, const struct shoal_buf *package, bool is_json,
    struct shoal_err *err)
{
    char temporary[PATH_MAX], path[PATH_MAX + 80], top[64] = "";
    int wrote = snprintf(temporary, sizeof temporary - 16, "%s/plugins", folder);
    if (wrote < 0 || wrote >= (int)sizeof temporary - 80) {
        return shoal_fail(err, SHOAL_EINVAL, "the path of the instance is too long");
    }
    int code = shoal_folder_make(temporary, 0750, err);
    if (code != 0) {
        return code;
    }
    snprintf(temporary + wrote, sizeof temporary - (size_t)wrote, "/.new-XXXXXX");
    if (mkdtemp(temporary) == NULL) {
        return shoal_file_fail(err, errno, "make a folder in", temporary);
    }
    struct shoal_arena *arena = shoal_arena_new(0);
    code = shoal_untar(package->data, package->length, temporary, top, err);
    struct shoal_manifest *manifest = NULL;
    if (code == 0) {
        snprintf(path, sizeof path, "%s/%s", temporary, top);
        manifest = shoal_manifest_read(arena, path, top, err);
        code = manifest == NULL ? SHOAL_EINVAL : 0;
    }
    code = code != 0 ? code : place(folder, temporary, top, err);
    if (code == 0) {
        tell(manifest, folder, is_json);
    }
    shoal_arena_free(arena);
    struct shoal_err ignored = {0};
    shoal_tree_remove(temporary, &ignored);
    return code;
}

int shoal_cli_plugin_add(const struct shoal_args *args)
{
    bool has_pin = shoal_args_has(args, "sha256");
    bool has_key = shoal_args_has(args, "key") && shoal_args_has(args, "signature");
    if (has_pin == has_key) {
        return shoal_cli_usage("a package from elsewhere needs --sha256 PIN, or --key KEY and "
                               "--signature FILE");
    }
    struct shoal_err err = {0};
    struct shoal_buf package = {0};
    struct shoal_instance instance;
    // Read before the rights of the caller are given up: the package is theirs.
    int code = shoal_file_read_whole(args->words[1], SHOAL_PACKAGE_MAX, &package, &err);
    code = code != 0 ? code : verify(args, &package, &err);
    code = code != 0 ? code
                     : shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_CONFIG, &err);
    if (code == 0) {
        code = unpack(instance.config->folder, &package, shoal_args_has(args, "json"), &err);
        shoal_instance_close(&instance);
    }
    shoal_buf_fini(&package);
    return code == 0 ? SHOAL_EXIT_FINE : shoal_cli_fail(&err);
}
