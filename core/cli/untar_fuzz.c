// untar_fuzz.c - any bytes as the inside of a package: nothing lands outside of its folder.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "cli/untar.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/// Packs without compressing, so that what the fuzzer changes is what is unpacked.
static size_t pack(const uint8_t *bytes, size_t length, unsigned char *out, size_t room)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes, .avail_in = (uInt)length,
        .next_out = out, .avail_out = (uInt)room};
    if (deflateInit2(&stream, Z_NO_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return 0;
    }
    deflate(&stream, Z_FINISH);
    deflateEnd(&stream);
    return (size_t)stream.total_out;
}

static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    while (folder && readdir(folder)) {
        count++;
    }
    if (folder) {
        closedir(folder);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static unsigned char packed[1 << 20];
    char outside[] = "/tmp/shoal-untar-XXXXXX", to[64], top[64];
    if (length > sizeof packed / 2 || mkdtemp(outside) == NULL) {
        return 0;
    }
    snprintf(to, sizeof to, "%s/to", outside);
    mkdir(to, 0700);
    size_t size = pack(bytes, length, packed, sizeof packed);
    struct shoal_err err = {0};
    if (shoal_untar(packed, size, to, top, &err) < 0 && err.text[0] == '\0') {
        abort();
    }
    if (count_entries(outside) != 3) {
        abort(); // ".", ".." and "to" alone
    }
    shoal_tree_remove(outside, NULL);
    return 0;
}
