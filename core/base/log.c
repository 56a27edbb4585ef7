// log.c - log lines: time, level, plugin, request id, text; each one write().
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/log.h"

#include <shoal/buf.h>
#include <shoal/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/context.h"
#include "base/utf8.h"

#define TEXT_MAX 2048
#define SAID_MAX 256
#define SAME_MS  600000

static _Atomic int log_level = SHOAL_LOG_INFO;
static _Atomic int log_format = SHOAL_LOG_HUMAN;
static _Atomic int log_fd = STDERR_FILENO;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void shoal_log_set_level(enum shoal_log_level level)
{
    atomic_store(&log_level, (int)level);
}

void shoal_log_set_format(enum shoal_log_format format)
{
    atomic_store(&log_format, (int)format);
}

void shoal_log_set_fd(int fd)
{
    atomic_store(&log_fd, fd);
}

int shoal_log_level_parse(const char *text, enum shoal_log_level *level)
{
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum shoal_log_level)i;
            return 0;
        }
    }
    return SHOAL_EINVAL;
}

bool shoal_log_wants(enum shoal_log_level level)
{
    return (int)level >= atomic_load_explicit(&log_level, memory_order_relaxed);
}

/// Adds text as the inside of a JSON string; in a human line the same keeps it to one line, so that
/// nobody can forge a second one.
static void add_escaped(struct shoal_buf *line, const char *text, bool is_json)
{
    size_t left = strlen(text), used;
    for (const char *c = text; *c; c += used, left -= used) {
        used = shoal_utf8_sequence(c, left);
        unsigned char first = (unsigned char)*c;
        bool is_control = first < 0x20 || first == 0x7F;
        bool is_c1 = first == 0xC2 && used == 2 && (unsigned char)c[1] < 0xA0; // terminals obey them
        if (used == 0) {
            used = 1;
            shoal_buf_puts(line, "\xef\xbf\xbd"); // U+FFFD stands for a byte that is no text
        } else if (is_c1) {
            shoal_buf_printf(line, "\\u%04x", (unsigned char)c[1]);
        } else if (is_control && first == '\n') {
            shoal_buf_add(line, "\\n", 2);
        } else if (is_control) {
            shoal_buf_printf(line, "\\u%04x", first);
        } else if (is_json && (first == '"' || first == '\\')) {
            shoal_buf_printf(line, "\\%c", *c);
        } else {
            shoal_buf_add(line, c, used);
        }
    }
}

static void make_human(struct shoal_buf *line, const char *time, const char *level,
    const char *plugin, const char *id, const char *text)
{
    shoal_buf_printf(line, "%s %-5s ", time, level);
    if (plugin) {
        shoal_buf_printf(line, "%s: ", plugin);
    }
    add_escaped(line, text, false);
    if (id) {
        shoal_buf_puts(line, " [");
        add_escaped(line, id, false);
        shoal_buf_puts(line, "]");
    }
    shoal_buf_puts(line, "\n");
}

static void make_json(struct shoal_buf *line, const char *time, const char *level,
    const char *plugin, const char *id, const char *text)
{
    shoal_buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\"", time, level);
    if (plugin) {
        shoal_buf_puts(line, ",\"plugin\":\"");
        add_escaped(line, plugin, true);
        shoal_buf_puts(line, "\"");
    }
    if (id) {
        shoal_buf_puts(line, ",\"id\":\"");
        add_escaped(line, id, true);
        shoal_buf_puts(line, "\"");
    }
    shoal_buf_puts(line, ",\"text\":\"");
    add_escaped(line, text, true);
    shoal_buf_puts(line, "\"}\n");
}

/// What the core warned of lately, by the hash of the text.
static struct said {
    _Atomic uint64_t hash;
    _Atomic int64_t tick_ms;
    _Atomic int again;
} said[SAID_MAX];

/// What goes wrong with each look of a timer is said once in ten minutes, and then how often. Only
/// what nobody's request was the reason of; what plugins say is theirs.
static bool is_said(char text[TEXT_MAX], const struct shoal_call *call)
{
    if (call && (call->request || shoal_call_plugin(call))) {
        return false;
    }
    uint64_t hash = 14695981039346656037u;
    for (const char *c = text; *c; c++) {
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    }
    struct said *slot = &said[hash % SAID_MAX];
    int64_t now = shoal_tick_ms();
    bool is_same = atomic_load(&slot->hash) == hash;
    if (is_same && now - atomic_load(&slot->tick_ms) < SAME_MS) {
        atomic_fetch_add(&slot->again, 1);
        return true;
    }
    int again = atomic_exchange(&slot->again, 0);
    if (is_same && again > 0) {
        size_t length = strlen(text);
        snprintf(text + length, TEXT_MAX - length, " (and %d times more since then)", again);
    }
    atomic_store(&slot->hash, hash);
    atomic_store(&slot->tick_ms, now);
    return false;
}

static void write_line(const struct shoal_buf *line)
{
    int fd = atomic_load(&log_fd);
    size_t done = 0;
    while (done < line->length) {
        ssize_t count = write(fd, line->data + done, line->length - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return;
        }
        done += (size_t)count;
    }
}

void shoal_log(enum shoal_log_level level, const char *format, ...)
{
    if (!shoal_log_wants(level)) {
        return;
    }
    int saved = errno;
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const struct shoal_call *call = shoal_call_current();
    if (level == SHOAL_LOG_WARN && is_said(text, call)) {
        errno = saved;
        return;
    }
    const struct shoal_plugin_id *plugin =
        call ? (const struct shoal_plugin_id *)(const void *)shoal_call_plugin(call) : NULL;
    char time[32];
    shoal_time_format(shoal_now_ms(), time);
    struct shoal_buf line = {0};
    (atomic_load(&log_format) == SHOAL_LOG_JSON ? make_json : make_human)(&line, time,
        level_names[(unsigned)level & 3], plugin ? plugin->name : NULL,
        call && call->id[0] ? call->id : NULL, text);
    write_line(&line);
    shoal_buf_fini(&line);
    errno = saved;
}
