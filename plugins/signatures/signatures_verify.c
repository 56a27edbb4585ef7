// signatures_verify.c - reads the signature of a request, whichever form it has, and holds a key against it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <time.h>

#include "signatures.h"

#define PAST_S   1800
#define FUTURE_S 120
#define KEYS_MAX 4 // of one actor

bool sig_is_timely(int64_t seconds)
{
    int64_t now = shoal_now_ms() / 1000;
    return seconds >= now - PAST_S && seconds <= now + FUTURE_S;
}

static int number_of(const char *at, int digits)
{
    int out = 0;
    for (int i = 0; i < digits; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return -1;
        }
        out = out * 10 + (at[i] - '0');
    }
    return out;
}

bool sig_date_parse(const char *text, int64_t *seconds)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char shape[] = "xxx, 00 xxx 0000 00:00:00 GMT";
    if (strlen(text) != sizeof shape - 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (strchr(", :GMT", shape[i]) != NULL && text[i] != shape[i]) {
            return false;
        }
    }
    struct tm at = {.tm_mday = number_of(text + 5, 2),
        .tm_mon = -1,
        .tm_year = number_of(text + 12, 4) - 1900,
        .tm_hour = number_of(text + 17, 2),
        .tm_min = number_of(text + 20, 2),
        .tm_sec = number_of(text + 23, 2)};
    for (int i = 0; i < 12; i++) {
        at.tm_mon = strncmp(months + 3 * i, text + 8, 3) == 0 ? i : at.tm_mon;
    }
    if (at.tm_mon < 0 || at.tm_mday < 1 || at.tm_mday > 31 || at.tm_year < 70 || at.tm_hour < 0 ||
        at.tm_hour > 23 || at.tm_min < 0 || at.tm_min > 59 || at.tm_sec < 0 || at.tm_sec > 60) {
        return false;
    }
    *seconds = (int64_t)timegm(&at);
    return true;
}

bool sig_has_body(const struct shoal_request *request)
{
    const char *method = shoal_request_method(request);
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

int sig_claim(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_err *err)
{
    const char *header = shoal_request_header(request, "signature");
    bool is_modern = shoal_request_header(request, "signature-input") != NULL &&
                     (header == NULL || strstr(header, "keyId=\"") == NULL);
    return is_modern ? sig_claim_modern(call, request, claim, err)
                     : sig_claim_cavage(call, request, claim, err);
}

bool sig_host_is_ours(struct shoal_call *call, const char *value)
{
    const char *host = value == NULL ? NULL : sig_host_of(call, value, "443");
    return host != NULL && value[strcspn(value, "/?#")] == '\0' && strcmp(host, sig_host(call)) == 0;
}

bool sig_claim_fits(const struct shoal_claim *claim, const char *pems)
{
    bool fits = false;
    for (int i = 0; i < KEYS_MAX && !fits; i++) {
        size_t length = 0;
        const char *pem = sig_pem_next(&pems, &length);
        EVP_PKEY *key = pem == NULL ? NULL : sig_public_key_kept(pem, length);
        fits = key != NULL &&
               (sig_signature_fits(key, claim->text, strlen(claim->text), claim->signature) ||
                   (claim->other != NULL &&
                       sig_signature_fits(key, claim->other, strlen(claim->other), claim->signature)));
        EVP_PKEY_free(key);
    }
    return fits;
}
