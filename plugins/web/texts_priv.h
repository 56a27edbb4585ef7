// texts_priv.h - what the texts and their formats share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef WEB_TEXTS_PRIV_H
#define WEB_TEXTS_PRIV_H

#include "texts.h"

struct texts {
    char *locale;
    json_t *tree;
};

typedef int (*texts_fn)(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out);

const char *texts_string(const struct texts *texts, const char *key, const char *otherwise);
double texts_number(const json_t *value);
/// Writes the text of a key; the call brings its arguments.
void texts_put(const struct texts *texts, const char *key, const struct mustache_call *call,
    struct mustache_buffer *out);
void texts_put_number(
    const struct texts *texts, double number, int decimals, struct mustache_buffer *out);

int texts_call_number(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out);
int texts_call_short(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out);
int texts_call_bytes(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out);
int texts_call_duration(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out);
int texts_call_period(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out);
int texts_call_date(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out);
int texts_call_ago(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out);
int texts_call_in(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out);

#endif
