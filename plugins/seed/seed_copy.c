// seed_copy.c - makes one video whole: fetches what is missing, and believes hashes alone.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seed_mirror.h"

#define RANGE_BYTES    ((uint64_t)8 << 20) ///< asked for at once, where segments are smaller
#define FETCH_MS       120000
#define RETRY_FIRST_MS 2000
#define RETRY_MAX_MS   600000

/// One run for one video: a copy of what is known, and the run's own findings.
struct copying {
    struct seed_mirror *mirror;
    const struct shoal_job *job;
    struct seed_video video;
    json_t *list; ///< of hashes
    int64_t fetched_bytes;
    int64_t text_bytes; ///< of playlists and the list
};

static const char *path_of(
    struct shoal_call *call, const struct copying *copying, const char *name, const char *ending)
{
    return shoal_arena_printf(shoal_call_arena(call), "%s/%s%s%s%s", copying->mirror->folder,
        copying->video.uuid, *name != '\0' ? "/" : "", name, ending);
}

static int io_fail(struct shoal_err *err, const char *what, const char *path)
{
    int number = errno;
    return shoal_fail(err, number == ENOSPC || number == EDQUOT ? SHOAL_EFULL : SHOAL_EIO,
        "%s cannot be %s: %s", path, what, strerror(number));
}

/// Fetches a file of the origin, or a range of it into a file. No token, no redirect.
static int fetch(struct shoal_call *call, struct copying *copying, const char *name,
    uint64_t offset, uint64_t length, uint64_t most, const char *to_path,
    struct shoal_fetched *fetched, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *headers[] = {
        length > 0 ? shoal_arena_printf(arena, "Range: bytes=%llu-%llu", (unsigned long long)offset,
                         (unsigned long long)(offset + length - 1))
                   : NULL,
        NULL};
    const struct shoal_fetch what = {
        .url = shoal_arena_printf(arena, "%s/static/streaming-playlists/hls/%s/%s",
            copying->mirror->page.origin, copying->video.uuid, name),
        .headers = headers,
        .max_bytes = length > 0 ? length : most,
        .timeout_ms = FETCH_MS,
        .redirects = -1,
        .to_path = to_path,
    };
    int code = seed_bucket_take(
        call, copying->mirror, &copying->mirror->fetching, (size_t)(length > 0 ? length : 4096));
    code = code != 0 ? code : shoal_fetch(call, &what, fetched, err);
    if (code != 0) {
        return code;
    }
    int wanted = length > 0 ? 206 : 200;
    if (fetched->status != wanted || (length > 0 && fetched->body_bytes != length)) {
        return shoal_fail(
            err, SHOAL_EUPSTREAM, "%s: status %d instead of %d", what.url, fetched->status, wanted);
    }
    copying->fetched_bytes += (int64_t)fetched->body_bytes;
    return shoal_job_progress(call, copying->job, 0);
}

/// Puts a whole file under its name: not before its bytes are on the disk.
static int file_finish(
    int fd, const char *part, const char *path, const char *folder, struct shoal_err *err)
{
    if (fsync(fd) != 0 || rename(part, path) != 0) {
        return io_fail(err, "finished", path);
    }
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync(dir) != 0) {
        int code = io_fail(err, "finished", folder);
        if (dir >= 0) {
            close(dir);
        }
        return code;
    }
    close(dir);
    return 0;
}

static int text_write(struct shoal_call *call, const struct copying *copying, const char *name,
    const char *text, size_t length, struct shoal_err *err)
{
    const char *path = path_of(call, copying, name, "");
    const char *part = path_of(call, copying, name, ".part");
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return io_fail(err, "written", part);
    }
    int code = write(fd, text, length) == (ssize_t)length
                   ? file_finish(fd, part, path, path_of(call, copying, "", ""), err)
                   : io_fail(err, "written", part);
    close(fd);
    return code;
}

static bool known(const char *name, void *user)
{
    return seed_file_find(user, name) != NULL;
}

static int text_check(struct copying *copying, const struct seed_file *file, const char *text,
    size_t length, struct shoal_err *err)
{
    if (file->kind != SEED_KIND_LIST) {
        return seed_playlist_check(text, length, known, &copying->video, err);
    }
    json_t *list = shoal_json_parse(text, length, err);
    if (list == NULL) {
        return SHOAL_EUNREADABLE;
    }
    json_decref(copying->list);
    copying->list = list;
    return 0;
}

/// A text that is here already; false where it is not, or not as it should be.
static bool text_read(
    struct shoal_call *call, struct copying *copying, const struct seed_file *file, uint64_t most)
{
    const char *path = path_of(call, copying, file->name, "");
    struct stat info;
    struct shoal_buf text = {.limit = (size_t)most + 1};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool is_right = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                    (uint64_t)info.st_size <= most && info.st_size > 0 &&
                    shoal_buf_reserve(&text, (size_t)info.st_size) == 0 &&
                    pread(fd, text.data, (size_t)info.st_size, 0) == info.st_size &&
                    text_check(copying, file, text.data, (size_t)info.st_size, NULL) == 0;
    copying->text_bytes += is_right ? info.st_size : 0;
    if (fd >= 0) {
        close(fd);
    }
    shoal_buf_fini(&text);
    return is_right;
}

/// A playlist or the list of hashes: small, and fetched whole.
static int text_make(struct shoal_call *call, struct copying *copying, const struct seed_file *file,
    struct shoal_err *err)
{
    uint64_t most = file->kind == SEED_KIND_LIST ? SEED_LIST_BYTES : SEED_TEXT_BYTES;
    int64_t left = seed_texts_most(&copying->video) - copying->text_bytes;
    most = left < 0 ? 0 : (uint64_t)left < most ? (uint64_t)left : most;
    struct shoal_fetched fetched = {0};
    if (!copying->video.is_doubtful && text_read(call, copying, file, most)) {
        return 0;
    }
    int code = most == 0 ? shoal_fail(err, SHOAL_ETOOLARGE, "the playlists are too large")
                         : fetch(call, copying, file->name, 0, 0, most, NULL, &fetched, err);
    code = code != 0 ? code : text_check(copying, file, fetched.body, fetched.body_bytes, err);
    copying->text_bytes += code == 0 ? (int64_t)fetched.body_bytes : 0;
    return code != 0 ? code
                     : text_write(call, copying, file->name, fetched.body, fetched.body_bytes, err);
}

/// Whether the bytes of a piece on the disk are right. The head of a file has no hash: it is taken
/// as it is where the file once was whole.
static bool piece_is_right(int fd, const struct seed_piece *piece, bool trusts_head, char *room)
{
    char sum[65];
    if (!piece->has_hash) {
        return trusts_head;
    }
    if (pread(fd, room, (size_t)piece->length, (off_t)piece->offset) != (ssize_t)piece->length) {
        return false;
    }
    seed_sha256(room, (size_t)piece->length, sum);
    return strcmp(sum, piece->sha256) == 0;
}

/// Puts the pieces of a range into their file, each when its hash is right.
static int pieces_write(int fd, const struct seed_piece *from, size_t count, int range, char *room,
    const char *name, struct shoal_err *err)
{
    char sum[65];
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (pread(range, room, (size_t)from[i].length, (off_t)at) != (ssize_t)from[i].length) {
            return shoal_fail(err, SHOAL_EIO, "what came of %s cannot be read back", name);
        }
        seed_sha256(room, (size_t)from[i].length, sum);
        if (from[i].has_hash && strcmp(sum, from[i].sha256) != 0) {
            return shoal_fail(err, SHOAL_EMISMATCH,
                "%s: what came of byte %llu on is not what the list of hashes says", name,
                (unsigned long long)from[i].offset);
        }
        if (pwrite(fd, room, (size_t)from[i].length, (off_t)from[i].offset) !=
            (ssize_t)from[i].length) {
            return io_fail(err, "written", name);
        }
        at += from[i].length;
    }
    return 0;
}

/// Where the bytes of a file come from and go to.
struct range {
    int fd;
    const char *name;
    const char *path; ///< of the range, beside the file: what is fetched lives as long as the call
    char *room;       ///< for one piece
};

static int range_fetch(struct shoal_call *call, struct copying *copying, const struct range *range,
    const struct seed_piece *from, size_t count, uint64_t length, struct shoal_err *err)
{
    struct shoal_fetched fetched = {0};
    unlink(range->path); // of a run that was killed
    int code =
        fetch(call, copying, range->name, from->offset, length, 0, range->path, &fetched, err);
    int fd = code == 0 ? open(range->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (code == 0) {
        code = fd < 0 ? io_fail(err, "read", range->path)
                      : pieces_write(range->fd, from, count, fd, range->room, range->name, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    unlink(range->path);
    return code;
}

static int ranges_fetch(struct shoal_call *call, struct copying *copying, const struct range *range,
    const struct seed_pieces *pieces, const bool *is_right, struct shoal_err *err)
{
    // Where bytes are paced, no more is asked for at once than comes in a second.
    int64_t rate = copying->mirror->fetching.rate;
    uint64_t most = rate > 0 && (uint64_t)rate < RANGE_BYTES ? (uint64_t)rate : RANGE_BYTES;
    for (size_t i = 0; i < pieces->count;) {
        uint64_t length = 0;
        size_t end = i;
        while (end < pieces->count && !is_right[end] &&
               (end == i || length + pieces->items[end].length <= most)) {
            length += pieces->items[end++].length;
        }
        if (end == i) {
            i++;
            continue;
        }
        int code = range_fetch(call, copying, range, &pieces->items[i], end - i, length, err);
        if (code != 0) {
            return code;
        }
        if (copying->mirror->is_leaving || shoal_call_cancelled(call)) {
            return shoal_fail(err, SHOAL_ECANCELLED, "the mirror ends");
        }
        i = end;
    }
    return 0;
}

/// Fetches what is missing, some segments at once.
static int pieces_fetch(struct shoal_call *call, struct copying *copying, int fd,
    const struct seed_file *file, const struct seed_pieces *pieces, const bool *is_right,
    struct shoal_err *err)
{
    const struct range range = {.fd = fd,
        .name = file->name,
        .path = path_of(call, copying, file->name, ".range"),
        .room = malloc(SEED_PIECE_BYTES)};
    if (range.room == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory for a segment");
    }
    int code = ranges_fetch(call, copying, &range, pieces, is_right, err);
    free(range.room);
    return code;
}

/// Marks a file as here or not, for who serves it.
static void file_mark(struct copying *copying, const char *name, bool is_here)
{
    struct seed_mirror *mirror = copying->mirror;
    pthread_mutex_lock(&mirror->lock);
    struct seed_video *video = seed_video_find(mirror, copying->video.uuid);
    struct seed_file *file = video != NULL ? seed_file_find(video, name) : NULL;
    if (file != NULL) {
        file->is_here = is_here && video->is_chosen && !mirror->is_over;
    }
    pthread_mutex_unlock(&mirror->lock);
}

/// Looks at each piece on the disk; *wrong: how many have to come again.
static int pieces_look(struct shoal_call *call, struct copying *copying, int fd,
    const struct seed_pieces *pieces, bool trusts_head, bool *is_right, size_t *wrong,
    struct shoal_err *err)
{
    char *room = malloc(SEED_PIECE_BYTES);
    if (room == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory for a segment");
    }
    *wrong = 0;
    int code = 0;
    for (size_t i = 0; i < pieces->count && code == 0; i++) {
        is_right[i] = piece_is_right(fd, &pieces->items[i], trusts_head, room);
        *wrong += is_right[i] ? 0 : 1;
        code = i % 64 == 0 ? shoal_job_progress(call, copying->job, 0) : 0;
    }
    free(room);
    return code;
}

static int media_make(struct shoal_call *call, struct copying *copying,
    const struct seed_file *file, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *path = path_of(call, copying, file->name, "");
    const char *part = path_of(call, copying, file->name, ".part");
    struct seed_pieces pieces = {0};
    struct stat info;
    int code = seed_pieces_read(
        arena, copying->list, file->name, (uint64_t)file->size_bytes, &pieces, err);
    if (code != 0) {
        return code;
    }
    bool *is_right = shoal_arena_try(arena, pieces.count * sizeof *is_right);
    if (is_right == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory for the pieces of %s", file->name);
    }
    size_t wrong = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool is_whole = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                    info.st_size == file->size_bytes;
    if (is_whole) {
        code = pieces_look(
            call, copying, fd, &pieces, !copying->video.is_doubtful, is_right, &wrong, err);
        if (code != 0 || wrong == 0) {
            close(fd);
            return code;
        }
    }
    // It is mended, or made, under another name: nothing half is ever served.
    file_mark(copying, file->name, false);
    if (fd >= 0) {
        close(fd);
        if (rename(path, part) != 0) {
            return io_fail(err, "set aside", path);
        }
    }
    fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return io_fail(err, "written", part);
    }
    code = is_whole ? 0 : pieces_look(call, copying, fd, &pieces, false, is_right, &wrong, err);
    code = code != 0 ? code : pieces_fetch(call, copying, fd, file, &pieces, is_right, err);
    if (code == 0 && ftruncate(fd, (off_t)file->size_bytes) != 0) {
        code = io_fail(err, "written", part);
    }
    code = code != 0 ? code : file_finish(fd, part, path, path_of(call, copying, "", ""), err);
    close(fd);
    return code;
}

/// Texts first: the list of hashes judges the rest.
static int files_make(struct shoal_call *call, struct copying *copying, struct shoal_err *err)
{
    static const enum seed_kind order[] = {
        SEED_KIND_LIST, SEED_KIND_MASTER, SEED_KIND_PLAYLIST, SEED_KIND_MEDIA};
    int code = mkdir(path_of(call, copying, "", ""), 0750) == 0 || errno == EEXIST
                   ? 0
                   : io_fail(err, "made", path_of(call, copying, "", ""));
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        for (size_t j = 0; j < copying->video.file_count && code == 0; j++) {
            const struct seed_file *file = &copying->video.files[j];
            if (file->kind != order[i]) {
                continue;
            }
            code = file->kind == SEED_KIND_MEDIA ? media_make(call, copying, file, err)
                                                 : text_make(call, copying, file, err);
            if (code == 0) {
                file_mark(copying, file->name, true);
            }
        }
    }
    return code;
}

/// Takes the video, if nobody else works on it.
static bool take(struct seed_mirror *mirror, const char *uuid, struct seed_video *out)
{
    pthread_mutex_lock(&mirror->lock);
    struct seed_video *video = seed_video_find(mirror, uuid);
    bool is_taken = video != NULL && video->is_chosen && !video->is_busy && !mirror->is_over &&
                    !mirror->is_leaving;
    if (is_taken) {
        video->is_busy = true;
        *out = *video;
    }
    pthread_mutex_unlock(&mirror->lock);
    return is_taken;
}

static void give_back(struct copying *copying, int code)
{
    struct seed_mirror *mirror = copying->mirror;
    pthread_mutex_lock(&mirror->lock);
    struct seed_video *video = seed_video_find(mirror, copying->video.uuid);
    if (video != NULL) {
        int64_t wait_ms = RETRY_FIRST_MS;
        for (int i = 0; i < video->failures && wait_ms < RETRY_MAX_MS; i++) {
            wait_ms *= 2;
        }
        video->is_busy = false;
        video->failures = code == 0 ? 0 : video->failures + 1;
        video->retry_tick_ms = code == 0 ? 0 : shoal_tick_ms() + wait_ms;
        video->is_doubtful = code == SHOAL_EMISMATCH || (code != 0 && video->is_doubtful);
        mirror->next_tick_ms = code == 0 ? 0 : mirror->next_tick_ms; // the origin is told at once
    }
    pthread_mutex_unlock(&mirror->lock);
}

int seed_copy_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    struct copying *copying = shoal_arena_alloc(shoal_call_arena(call), sizeof *copying);
    struct shoal_err why = {0};
    (void)err;
    copying->mirror = arg;
    copying->job = job;
    if (!take(arg, shoal_text(job->payload, "uuid", ""), &copying->video)) {
        return 0; // not, or no longer, to be here: the next round says what is
    }
    int code = files_make(call, copying, &why);
    json_decref(copying->list);
    give_back(copying, code);
    if (code == 0) {
        shoal_info("\"%s\" is here: %.1f MB, of which %.1f MB were fetched now",
            copying->video.title, (double)copying->video.size_bytes / 1e6,
            (double)copying->fetched_bytes / 1e6);
    } else if (code != SHOAL_ECANCELLED) {
        shoal_warn("\"%s\" is not whole yet: %s", copying->video.title, why.text);
    }
    return 0;
}
