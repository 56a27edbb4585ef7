// m3u8.h - walks through an HLS playlist that a stranger may have written, part by part.
// SPDX-License-Identifier: MIT
#ifndef M3U8_H
#define M3U8_H
#include <stdbool.h>
#include <stddef.h>

/// Longest line of a playlist, in bytes.
#define M3U8_LINE_MAX ((size_t)4096)

enum m3u8_kind {
    M3U8_END,
    M3U8_BAD,  ///< no playlist, a line that is too long, or a NUL in it
    M3U8_TEXT, ///< anything between two addresses; line ends are "\n"
    M3U8_URI,  ///< an address: a line, or the first URI="…" of a tag
};
struct m3u8_part {
    enum m3u8_kind kind;
    const char *text; ///< borrowed; not NUL-terminated
    size_t length;
};
struct m3u8_reader {
    const char *at, *end;       ///< what no line was read of
    const char *line, *stop;    ///< the line
    const char *uri, *uri_stop; ///< the address in it; both at its end where there is none
    int stage;                  ///< which part of the line comes next
    bool has_begun;
};

/// The text is borrowed until the reader is done. Nothing is allocated.
void m3u8_open(struct m3u8_reader *reader, const char *text, size_t length);
/// The next part. All parts in a row are the playlist, without carriage returns.
struct m3u8_part m3u8_next(struct m3u8_reader *reader);

#endif
