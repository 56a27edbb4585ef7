// signatures_verify_modern.c - reads a signature as RFC 9421 has it, and all that it covers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signatures.h"

#define COMPONENTS_MAX 32

static int refuse(struct shoal_err *err, const char *why)
{
    return shoal_fail(err, SHOAL_EAUTH, "the signature is refused: %s", why);
}

struct input {
    const char *label, *params; ///< params: the list and what follows it, as they came
    const char *list;           ///< between the brackets
    const char *key_id, *algorithm;
    int64_t created, expires;
    bool has_expiry;
};

// The end of a member of a dictionary: a comma outside of quotes and brackets.
static size_t member_length(const char *text)
{
    bool is_quoted = false;
    int depth = 0;
    size_t i = 0;
    for (; text[i] != '\0' && (is_quoted || depth > 0 || text[i] != ','); i++) {
        if (is_quoted && text[i] == '\\' && text[i + 1] != '\0') {
            i++;
        } else if (text[i] == '"') {
            is_quoted = !is_quoted;
        } else if (!is_quoted) {
            depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
        }
    }
    return i;
}

// The value of a member ("sig1=…"), or of the first one where label is NULL.
static const char *member_find(
    struct shoal_arena *arena, const char *text, const char *label, const char **found)
{
    while (*text != '\0') {
        text += strspn(text, " \t,");
        size_t name = strcspn(text, "= \t,");
        size_t length = member_length(text);
        if (name > 0 && text[name] == '=' &&
            (label == NULL || (strlen(label) == name && strncmp(label, text, name) == 0))) {
            while (length > name && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
                length--;
            }
            *found = shoal_arena_strndup(arena, text, name);
            return shoal_arena_strndup(arena, text + name + 1, length - name - 1);
        }
        text += length;
    }
    return NULL;
}

// Up to the quote that ends it.
static size_t quoted_length(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0' && text[length] != '"') {
        length += text[length] == '\\' && text[length + 1] != '\0' ? 2 : 1;
    }
    return length;
}

static bool input_parse(struct shoal_arena *arena, const char *header, struct input *input)
{
    input->params = member_find(arena, header, NULL, &input->label);
    const char *close = input->params == NULL ? NULL : strchr(input->params, ')');
    if (close == NULL || input->params[0] != '(') {
        return false;
    }
    input->list = shoal_arena_strndup(arena, input->params + 1, (size_t)(close - input->params - 1));
    for (const char *at = close + 1; *at == ';';) {
        size_t name = strcspn(at + 1, "=;");
        const char *value = at + 1 + name + (at[1 + name] == '=');
        bool is_quoted = *value == '"';
        value += is_quoted;
        size_t length = is_quoted ? quoted_length(value) : strcspn(value, ";");
        if (is_quoted && value[length] == '\0') {
            return false;
        }
        const char *text = shoal_arena_strndup(arena, value, length);
        if (strncmp(at + 1, "keyid=", 6) == 0) {
            input->key_id = text;
        } else if (strncmp(at + 1, "alg=", 4) == 0) {
            input->algorithm = text;
        } else if (strncmp(at + 1, "created=", 8) == 0) {
            input->created = strtoll(text, NULL, 10);
        } else if (strncmp(at + 1, "expires=", 8) == 0) {
            input->expires = strtoll(text, NULL, 10);
            input->has_expiry = true;
        }
        at = value + length + is_quoted;
        if (*at != ';' && *at != '\0') {
            return false; // what is not understood could say that it has expired
        }
    }
    return close[1] == ';' && input->key_id != NULL;
}

struct covered {
    bool method, target, path, query, host, digest, date;
};

// SHA-256 has to be among the sums, and right.
static bool digest_fits(struct shoal_call *call, struct shoal_request *request)
{
    size_t bytes = 0;
    const char *label = NULL;
    const char *header = shoal_request_header(request, "content-digest");
    const char *body = shoal_request_body_bytes(request, &bytes);
    const char *sum = header == NULL ? NULL
                                     : member_find(shoal_call_arena(call), header, "sha-256", &label);
    const char *wanted = shoal_arena_printf(shoal_call_arena(call), ":%s:",
        sig_digest(call, body == NULL ? "" : body, body == NULL ? 0 : bytes));
    return sum != NULL && strlen(sum) == strlen(wanted) && sodium_memcmp(sum, wanted, strlen(wanted)) == 0;
}

static const char *derived(struct shoal_call *call, struct shoal_request *request, const char *name,
    struct covered *covered)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *query = shoal_request_query_string(request);
    bool has_query = query != NULL && *query != '\0';
    const char *target = shoal_arena_printf(
        arena, "%s%s%s", shoal_request_path(request), has_query ? "?" : "", has_query ? query : "");
    if (strcmp(name, "@method") == 0) {
        covered->method = true;
        return shoal_request_method(request);
    }
    if (strcmp(name, "@target-uri") == 0) {
        covered->target = covered->host = true;
        return shoal_url(call, target);
    }
    if (strcmp(name, "@request-target") == 0) {
        covered->target = true;
        return target;
    }
    if (strcmp(name, "@path") == 0) {
        covered->path = true;
        covered->target |= !has_query || covered->query;
        return shoal_request_path(request);
    }
    if (strcmp(name, "@query") == 0) {
        covered->query = true;
        covered->target |= covered->path;
        return shoal_arena_printf(arena, "?%s", has_query ? query : "");
    }
    if (strcmp(name, "@authority") == 0) {
        covered->host = true;
        return sig_host(call);
    }
    const char *url = strcmp(name, "@scheme") == 0 ? shoal_url(call, "") : NULL;
    return url == NULL ? NULL : shoal_arena_strndup(arena, url, strcspn(url, ":"));
}

static const char *component(struct shoal_call *call, struct shoal_request *request, const char *name,
    struct covered *covered)
{
    int64_t seconds = 0;
    if (name[0] == '@') {
        return derived(call, request, name, covered);
    }
    const char *value = shoal_request_header(request, name);
    if (value != NULL && strcmp(name, "host") == 0) {
        covered->host |= sig_host_is_ours(call, value);
    } else if (value != NULL && strcmp(name, "date") == 0) {
        covered->date = sig_date_parse(value, &seconds) && sig_is_timely(seconds);
        return covered->date ? value : NULL;
    } else if (strcmp(name, "content-digest") == 0) {
        covered->digest = value != NULL;
    }
    return value;
}

static int text_make(struct shoal_call *call, struct shoal_request *request,
    const struct input *input, struct covered *covered, const char **text, struct shoal_err *err)
{
    struct shoal_buf out = {.limit = 65536};
    int code = 0;
    const char *at = input->list;
    for (int count = 0; code == 0; count++) {
        at += strspn(at, " ");
        if (*at == '\0') {
            break;
        }
        size_t length = *at == '"' ? strcspn(at + 1, "\"") : 0;
        if (length == 0 || at[length + 1] != '"' || count == COMPONENTS_MAX || at[length + 2] == ';') {
            code = refuse(err, "what it covers cannot be read");
            break;
        }
        const char *name = shoal_arena_strndup(shoal_call_arena(call), at + 1, length);
        const char *value = component(call, request, name, covered);
        code = value == NULL
                   ? shoal_fail(err, SHOAL_EAUTH, "the signature is refused: %.60s is missing or not of now", name)
                   : shoal_buf_printf(&out, "\"%s\": %s\n", name, value);
        at += length + 2;
    }
    code = code == 0 ? shoal_buf_printf(&out, "\"@signature-params\": %s", input->params) : code;
    code = code == SHOAL_ETOOLARGE ? refuse(err, "it covers too much") : code;
    *text = shoal_arena_strndup(shoal_call_arena(call), out.data == NULL ? "" : out.data, out.length);
    shoal_buf_fini(&out);
    return code;
}

static int check(struct shoal_call *call, struct shoal_request *request, const struct input *input,
    const struct covered *covered, struct shoal_err *err)
{
    if (!covered->method || !covered->target || !covered->host) {
        return refuse(err, "it does not cover method, target and the host of this server");
    }
    if (sig_has_body(request) && (!covered->digest || !digest_fits(call, request))) {
        return refuse(err, "it does not cover the right digest of the body");
    }
    if (input->created != 0 ? !sig_is_timely(input->created) : !covered->date) {
        return refuse(err, "it was not made now");
    }
    return input->has_expiry && input->expires < shoal_now_ms() / 1000 ? refuse(err, "it has expired") : 0;
}

int sig_claim_modern(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct input input = {0};
    struct covered covered = {0};
    const char *label = NULL;
    const char *header = shoal_request_header(request, "signature-input");
    const char *signatures = shoal_request_header(request, "signature");
    if (header == NULL || signatures == NULL || !input_parse(arena, header, &input)) {
        return refuse(err, "it cannot be read");
    }
    if (input.algorithm != NULL && strcmp(input.algorithm, "rsa-v1_5-sha256") != 0 &&
        strcmp(input.algorithm, "ed25519") != 0) {
        return shoal_fail(err, SHOAL_EAUTH, "the signature is refused: %.40s is not read here", input.algorithm);
    }
    const char *value = member_find(arena, signatures, input.label, &label);
    size_t length = value == NULL ? 0 : strlen(value);
    if (length < 3 || value[0] != ':' || value[length - 1] != ':') {
        return refuse(err, "it cannot be read");
    }
    int code = text_make(call, request, &input, &covered, &claim->text, err);
    claim->key_id = input.key_id;
    claim->signature = shoal_arena_strndup(arena, value + 1, length - 2);
    claim->is_modern = true;
    return code == 0 ? check(call, request, &input, &covered, err) : code;
}
