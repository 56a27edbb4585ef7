// transcode_ffmpeg_magic.c - which demuxer reads a file, decided by its first bytes and by us.
//
// ffmpeg guesses formats from bytes and names, and some formats (playlists, lists of files, scripts)
// name other files and hosts. It therefore never guesses: a file is one of the formats below, or it
// is refused before ffmpeg sees it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transcode_ffmpeg.h"

#define HEAD_BYTES (64 * 1024)

struct row {
    size_t offset;
    size_t length;
    const char *bytes;
    const char *demuxer;
    const char *refusal;
};

#define MEDIA(offset, bytes, demuxer) {offset, sizeof(bytes) - 1, bytes, demuxer, NULL}
#define OTHER(offset, bytes, refusal) {offset, sizeof(bytes) - 1, bytes, NULL, refusal}

static const struct row rows[] = {
    OTHER(4, "ftypavif", "an image"),
    OTHER(4, "ftypavis", "an image"),
    OTHER(4, "ftypheic", "an image"),
    OTHER(4, "ftypheix", "an image"),
    OTHER(4, "ftypmif1", "an image"),
    OTHER(4, "ftypmsf1", "an image"),
    MEDIA(4, "ftyp", "mov"),
    MEDIA(4, "moov", "mov"),
    MEDIA(4, "mdat", "mov"),
    MEDIA(4, "wide", "mov"),
    MEDIA(4, "free", "mov"),
    MEDIA(4, "skip", "mov"),
    MEDIA(4, "pnot", "mov"),
    MEDIA(4, "styp", "mov"),
    MEDIA(0, "\x1a\x45\xdf\xa3", "matroska"),
    MEDIA(0, "OggS", "ogg"),
    MEDIA(0, "fLaC", "flac"),
    MEDIA(0, "FLV\x01", "flv"),
    MEDIA(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "asf"),
    MEDIA(0, "\x00\x00\x01\xba", "mpeg"),
    MEDIA(0, "\x00\x00\x01\xb3", "mpegvideo"),
    MEDIA(0, "\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "mxf"),
    MEDIA(0, "\x0b\x77", "ac3"),
    OTHER(0, "\xff\xd8\xff", "an image"),
    OTHER(0, "\x89PNG", "an image"),
    OTHER(0, "GIF8", "an image"),
    OTHER(0, "BM", "an image"),
    OTHER(0, "II*\x00", "an image"),
    OTHER(0, "MM\x00*", "an image"),
    OTHER(0, "8BPS", "an image"),
    OTHER(0, "\x00\x00\x01\x00", "an image"),
    OTHER(0, "%PDF", "a PDF document"),
    OTHER(0, "PK\x03\x04", "an archive or an office document"),
    OTHER(0, "PK\x05\x06", "an archive"),
    OTHER(0, "7z\xbc\xaf", "an archive"),
    OTHER(0, "Rar!", "an archive"),
    OTHER(0, "\x1f\x8b", "an archive"),
    OTHER(0, "BZh", "an archive"),
    OTHER(0, "\xfd" "7zXZ", "an archive"),
    OTHER(0, "\x28\xb5\x2f\xfd", "an archive"),
    OTHER(0, "\x7f" "ELF", "a program"),
    OTHER(0, "MZ", "a program"),
};

/// Texts that name other files or hosts, or that people mistake for a video. Compared without case,
/// behind a byte order mark and white space.
static const struct {
    const char *start;
    const char *refusal;
} texts[] = {
    {"#EXTM3U", "a playlist, and the videos that it names are not in it"},
    {"ffconcat", "a list of other files, and they are not in it"},
    {"[Script Info]", "a file of subtitles"},
    {"WEBVTT", "a file of subtitles"},
    {"v=0", "the description of a stream (SDP), and the stream is not in it"},
    {"RTSPtext", "a playlist, and the videos that it names are not in it"},
    {"[playlist]", "a playlist, and the videos that it names are not in it"},
    {"[Reference]", "a playlist, and the videos that it names are not in it"},
    {"<asx", "a playlist, and the videos that it names are not in it"},
    {"<!doctype", "a web page"},
    {"<html", "a web page"},
    {"<svg", "an image"},
    {"<?xml", "an XML document"},
    {"<MPD", "a playlist, and the videos that it names are not in it"},
    {"<smil", "a playlist, and the videos that it names are not in it"},
};

static bool has(const unsigned char *bytes, size_t length, size_t offset, const char *what,
    size_t what_length)
{
    return length >= offset + what_length && memcmp(bytes + offset, what, what_length) == 0;
}

static bool repeats(const unsigned char *bytes, size_t length, size_t start, size_t step)
{
    size_t times = 0;
    for (size_t i = start; i < length && times < 4; i += step) {
        if (bytes[i] != 0x47) {
            return false;
        }
        times++;
    }
    // A stream of one packet is no video; two are seen in cut files.
    return times >= 2;
}

static struct transcode_magic riff(const unsigned char *bytes, size_t length)
{
    if (has(bytes, length, 8, "AVI ", 4) || has(bytes, length, 8, "AVIX", 4)) {
        return (struct transcode_magic){.demuxer = "avi"};
    }
    if (has(bytes, length, 8, "WAVE", 4)) {
        return (struct transcode_magic){.demuxer = "wav"};
    }
    return (struct transcode_magic){
        .refusal = has(bytes, length, 8, "WEBP", 4) ? "an image" : "a kind of RIFF file without video"};
}

/// MPEG audio: ADTS has layer 0, MP3 and its kin have not.
static const char *mpeg_audio(const unsigned char *bytes, size_t length)
{
    if (length < 4 || bytes[0] != 0xff || (bytes[1] & 0xe0) != 0xe0) {
        return NULL;
    }
    if ((bytes[1] & 0xf6) == 0xf0) {
        return "aac";
    }
    bool is_audio = (bytes[1] & 0x06) != 0 && (bytes[1] & 0x18) != 0x08 &&
                    (bytes[2] & 0xf0) != 0xf0 && (bytes[2] & 0x0c) != 0x0c;
    return is_audio ? "mp3" : NULL;
}

static bool is_text(const unsigned char *bytes, size_t length)
{
    size_t seen = length < 512 ? length : 512;
    for (size_t i = 0; i < seen; i++) {
        bool is_space = bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\t' || bytes[i] == '\f';
        if ((bytes[i] < 0x20 && !is_space) || bytes[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static struct transcode_magic text_of(const unsigned char *bytes, size_t length)
{
    size_t at = has(bytes, length, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (at < length && (bytes[at] == ' ' || bytes[at] == '\n' || bytes[at] == '\r' ||
                              bytes[at] == '\t')) {
        at++;
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t n = strlen(texts[i].start);
        if (length - at >= n && strncasecmp((const char *)bytes + at, texts[i].start, n) == 0) {
            return (struct transcode_magic){.refusal = texts[i].refusal};
        }
    }
    return (struct transcode_magic){
        .refusal = is_text(bytes, length) ? "a text file" : "no video or audio that we know"};
}

struct transcode_magic transcode_magic_of(const unsigned char *bytes, size_t length,
    uint64_t total_bytes)
{
    if (total_bytes == 0 || length == 0) {
        return (struct transcode_magic){.refusal = "an empty file"};
    }
    if (has(bytes, length, 0, "RIFF", 4) || has(bytes, length, 0, "RF64", 4)) {
        return riff(bytes, length);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (has(bytes, length, rows[i].offset, rows[i].bytes, rows[i].length)) {
            return (struct transcode_magic){rows[i].demuxer, rows[i].refusal};
        }
    }
    // 188 bytes a packet, or 192 with a time stamp before each (cameras).
    if (repeats(bytes, length, 0, 188) || repeats(bytes, length, 4, 192)) {
        return (struct transcode_magic){.demuxer = "mpegts"};
    }
    const char *audio = mpeg_audio(bytes, length);
    if (audio != NULL) {
        return (struct transcode_magic){.demuxer = audio};
    }
    return text_of(bytes, length);
}

/// Where the audio begins behind ID3v2 tags, which may hold a picture of megabytes; 0: no tag.
static uint64_t id3_length(const unsigned char *bytes, size_t length)
{
    if (!has(bytes, length, 0, "ID3", 3) || length < 10) {
        return 0;
    }
    uint64_t size = 0;
    for (size_t i = 6; i < 10; i++) {
        size = (size << 7) | (bytes[i] & 0x7f);
    }
    return size + 10 + ((bytes[5] & 0x10) != 0 ? 10 : 0);
}

static struct transcode_magic tagged(int fd, unsigned char *head, uint64_t at, uint64_t total)
{
    ssize_t n = at < total ? pread(fd, head, HEAD_BYTES, (off_t)at) : 0;
    // Some writers pad behind the tag.
    size_t skip = 0;
    while (n > 0 && skip < (size_t)n && head[skip] == 0) {
        skip++;
    }
    struct transcode_magic magic = {NULL, "a tag without audio"};
    if (n > 0 && skip < (size_t)n) {
        magic = transcode_magic_of(head + skip, (size_t)n - skip, total);
    }
    bool is_audio = magic.demuxer != NULL &&
                    (strcmp(magic.demuxer, "mp3") == 0 || strcmp(magic.demuxer, "flac") == 0 ||
                        strcmp(magic.demuxer, "aac") == 0);
    return is_audio ? magic : (struct transcode_magic){NULL, "a tag without audio that we know"};
}

int transcode_magic_read(const char *path, const char **demuxer, struct shoal_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0) {
            close(fd);
        }
        return shoal_fail(err, SHOAL_EIO, "the uploaded file cannot be opened");
    }
    unsigned char head[HEAD_BYTES];
    ssize_t n = pread(fd, head, sizeof(head), 0);
    if (n < 0) {
        close(fd);
        return shoal_fail(err, SHOAL_EIO, "the uploaded file cannot be read back");
    }
    uint64_t at = id3_length(head, (size_t)n);
    struct transcode_magic magic = at > 0
                                       ? tagged(fd, head, at, (uint64_t)st.st_size)
                                       : transcode_magic_of(head, (size_t)n, (uint64_t)st.st_size);
    close(fd);
    if (magic.demuxer == NULL) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "This is %s; please choose a video or audio file",
            magic.refusal);
    }
    *demuxer = magic.demuxer;
    return 0;
}
