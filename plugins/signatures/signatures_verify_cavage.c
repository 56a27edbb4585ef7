// signatures_verify_cavage.c - reads a signature as draft-cavage has it, and all that it covers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signatures.h"

#define NAMES_MAX 32

struct fields {
    const char *key_id, *algorithm, *headers, *signature;
    int64_t created, expires;
};

static int refuse(struct shoal_err *err, const char *why)
{
    return shoal_fail(err, SHOAL_EAUTH, "the signature is refused: %s", why);
}

// One 'name="value"' or 'name=123' after another; each name once.
static bool field_take(struct fields *fields, const char *name, size_t length, const char *value)
{
    const struct {
        const char *name;
        const char **text;
        int64_t *number;
    } rows[] = {{"keyId", &fields->key_id, NULL}, {"algorithm", &fields->algorithm, NULL},
        {"headers", &fields->headers, NULL}, {"signature", &fields->signature, NULL},
        {"created", NULL, &fields->created}, {"expires", NULL, &fields->expires}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strlen(rows[i].name) != length || strncasecmp(rows[i].name, name, length) != 0) {
            continue;
        }
        if (rows[i].text != NULL) {
            bool is_first = *rows[i].text == NULL;
            *rows[i].text = value;
            return is_first;
        }
        char *end = NULL;
        bool is_first = *rows[i].number == 0;
        *rows[i].number = strtoll(value, &end, 10);
        return is_first && end != value && (*end == '\0' || *end == '.') && *rows[i].number > 0;
    }
    return true;
}

static bool fields_parse(struct shoal_call *call, const char *text, struct fields *fields)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    text += strncasecmp(text, "Signature ", 10) == 0 ? 10 : 0;
    while (*text != '\0') {
        text += strspn(text, " \t,");
        size_t name = strcspn(text, "= \t,\"");
        if (name == 0 || text[name] != '=') {
            return *text == '\0';
        }
        const char *value = text + name + 1;
        bool is_quoted = *value == '"';
        value += is_quoted;
        size_t length = strcspn(value, is_quoted ? "\"" : ", \t");
        if (is_quoted && value[length] != '"') {
            return false;
        }
        if (!field_take(fields, text, name, shoal_arena_strndup(arena, value, length))) {
            return false;
        }
        text = value + length + is_quoted;
    }
    return true;
}

// The digest of the body as the header has it: "SHA-256=" and base64, alone or among others.
static bool digest_fits(struct shoal_call *call, struct shoal_request *request, const char *header)
{
    size_t bytes = 0;
    const char *body = shoal_request_body_bytes(request, &bytes);
    const char *wanted = sig_digest(call, body == NULL ? "" : body, body == NULL ? 0 : bytes);
    bool is_there = false;
    while (*header != '\0') {
        header += strspn(header, " \t,");
        size_t length = strcspn(header, ",");
        if (strncasecmp(header, "SHA-256=", 8) == 0) {
            size_t value = length - 8;
            while (value > 0 && (header[7 + value] == ' ' || header[7 + value] == '\t')) {
                value--;
            }
            if (value != strlen(wanted) || sodium_memcmp(header + 8, wanted, value) != 0) {
                return false;
            }
            is_there = true;
        }
        header += length;
    }
    return is_there;
}

struct covered {
    bool target, host, date, created, digest;
};

static int line_add(struct shoal_call *call, struct shoal_request *request, const char *name,
    const struct fields *fields, const char *target, struct covered *covered, struct shoal_buf *out,
    struct shoal_err *err)
{
    bool is_first = out->length == 0;
    const char *gap = is_first ? "" : "\n";
    int64_t seconds = 0;
    if (strcmp(name, "(request-target)") == 0) {
        char *method = shoal_arena_strdup(shoal_call_arena(call), shoal_request_method(request));
        for (char *c = method; *c != '\0'; c++) {
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        }
        covered->target = true;
        return shoal_buf_printf(out, "%s%s: %s %s", gap, name, method, target);
    }
    if (strcmp(name, "(created)") == 0 || strcmp(name, "(expires)") == 0) {
        int64_t at = name[1] == 'c' ? fields->created : fields->expires;
        covered->created |= name[1] == 'c' && at > 0;
        return at == 0 ? refuse(err, "it covers a time that it does not have")
                       : shoal_buf_printf(out, "%s%s: %lld", gap, name, (long long)at);
    }
    const char *value = shoal_request_header(request, name);
    if (value == NULL) {
        return shoal_fail(err, SHOAL_EAUTH, "the signature is refused: there is no header %.60s", name);
    }
    if (strcmp(name, "host") == 0) {
        covered->host = sig_host_is_ours(call, value);
    } else if (strcmp(name, "date") == 0) {
        covered->date = sig_date_parse(value, &seconds) && sig_is_timely(seconds);
        if (!covered->date) {
            return refuse(err, "its date is not of now");
        }
    } else if (strcmp(name, "digest") == 0) {
        covered->digest = true;
    }
    return shoal_buf_printf(out, "%s%s: %s", gap, name, value);
}

static int text_make(struct shoal_call *call, struct shoal_request *request,
    const struct fields *fields, const char *target, struct covered *covered, const char **text,
    struct shoal_err *err)
{
    struct shoal_buf out = {.limit = 65536};
    const char *at = fields->headers;
    int code = 0;
    for (int count = 0; code == 0 && *at != '\0'; count++) {
        at += strspn(at, " ");
        size_t length = strcspn(at, " ");
        if (length == 0) {
            break;
        }
        char *name = shoal_arena_strndup(shoal_call_arena(call), at, length);
        for (char *c = name; *c != '\0'; c++) {
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        }
        code = count == NAMES_MAX ? refuse(err, "it covers too much")
                                  : line_add(call, request, name, fields, target, covered, &out, err);
        at += length;
    }
    code = code == SHOAL_ETOOLARGE ? refuse(err, "it covers too much") : code;
    *text = shoal_arena_strndup(shoal_call_arena(call), out.data == NULL ? "" : out.data, out.length);
    shoal_buf_fini(&out);
    return code;
}

static int check(struct shoal_request *request, const struct fields *fields,
    const struct covered *covered, bool digest_is_right, struct shoal_err *err)
{
    if (!covered->target || !covered->host) {
        return refuse(err, "it does not cover (request-target) and the host of this server");
    }
    if (!covered->date && !covered->created) {
        return refuse(err, "it covers no time");
    }
    if (sig_has_body(request) && !covered->digest) {
        return refuse(err, "it does not cover the digest of the body");
    }
    if (sig_has_body(request) && !digest_is_right) {
        return refuse(err, "the digest is not that of the body");
    }
    if (fields->created != 0 && !sig_is_timely(fields->created)) {
        return refuse(err, "it was not made now");
    }
    return fields->expires != 0 && fields->expires < shoal_now_ms() / 1000 ? refuse(err, "it has expired") : 0;
}

int sig_claim_cavage(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct fields fields = {0};
    struct covered covered = {0};
    const char *header = shoal_request_header(request, "signature");
    const char *digest = shoal_request_header(request, "digest");
    if (header == NULL) {
        return shoal_fail(err, SHOAL_EAUTH, "the request is not signed");
    }
    if (!fields_parse(call, header, &fields) || fields.key_id == NULL || fields.signature == NULL ||
        fields.headers == NULL) {
        return refuse(err, "it cannot be read");
    }
    if (fields.algorithm != NULL && strcasecmp(fields.algorithm, "rsa-sha256") != 0 &&
        strcasecmp(fields.algorithm, "hs2019") != 0 && strcasecmp(fields.algorithm, "ed25519") != 0) {
        return shoal_fail(err, SHOAL_EAUTH, "the signature is refused: %.40s is not read here", fields.algorithm);
    }
    const char *query = shoal_request_query_string(request);
    const char *path = shoal_request_path(request);
    bool has_query = query != NULL && *query != '\0';
    const char *target = has_query ? shoal_arena_printf(arena, "%s?%s", path, query) : path;
    int code = text_make(call, request, &fields, target, &covered, &claim->text, err);
    // PeerTube leaves the query out of what it signs.
    if (code == 0 && has_query) {
        code = text_make(call, request, &fields, path, &covered, &claim->other, err);
    }
    bool is_right = !sig_has_body(request) || (digest != NULL && digest_fits(call, request, digest));
    code = code == 0 ? check(request, &fields, &covered, is_right, err) : code;
    claim->key_id = fields.key_id;
    claim->signature = fields.signature;
    return code;
}
