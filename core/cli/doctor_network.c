// doctor_network.c - ports, the public URL as the world sees it, certificates.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <shoal/json.h>

#include "cli/doctor.h"
#include "super/sockets.h"

#define ANSWER_MAX (64 * 1024)

static void check_ports(struct shoal_doctor *doctor)
{
    for (size_t i = 0; i < doctor->config->listen_count; i++) {
        const struct shoal_config_listen *line = &doctor->config->listens[i];
        struct shoal_err err = {0};
        if (line->is_unix || doctor->is_running) {
            continue;
        }
        int code = shoal_sockets_probe(line->host, line->port, false, &err);
        if (code == SHOAL_EFORBIDDEN) {
            shoal_doctor_say(doctor, SHOAL_FINDING_NOTE, "port",
                "start it as root or as the systemd unit does", "%s", err.text);
        } else if (code != 0) {
            shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "port",
                "see who holds it: ss -ltnp", "%s", err.text);
        } else {
            shoal_doctor_say(doctor, SHOAL_FINDING_FINE, "port", NULL, "%s:%d is free", line->host,
                line->port);
        }
    }
}

int shoal_doctor_certificate(const char *path, int *days, struct shoal_err *err)
{
    FILE *file = fopen(path, "r");
    X509 *certificate = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file != NULL) {
        fclose(file);
    }
    if (certificate == NULL) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "%s cannot be read as a certificate", path);
    }
    int seconds = 0;
    int code = ASN1_TIME_diff(days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1
                   ? 0
                   : shoal_fail(err, SHOAL_EUNREADABLE, "%s has no date of its end", path);
    X509_free(certificate);
    return code;
}

static void check_certificate(struct shoal_doctor *doctor)
{
    const char *path = json_string_value(shoal_config_get(doctor->config, "tls.certificate"));
    if (path == NULL) {
        return;
    }
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, "%s%s%s", path[0] == '/' ? "" : doctor->config->folder,
        path[0] == '/' ? "" : "/", path);
    int days = 0;
    struct shoal_err err = {0};
    if (shoal_doctor_certificate(whole, &days, &err) != 0) {
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "certificate",
            "let tls.certificate name a PEM file that the instance's user may read", "%s",
            err.text);
    } else {
        bool is_late = days < 14;
        shoal_doctor_say(doctor, is_late ? SHOAL_FINDING_BAD : SHOAL_FINDING_FINE, "certificate",
            is_late ? "renew it (certbot renew); a changed file is taken up by itself" : NULL,
            days < 0 ? "it ended %d days ago" : "it is good for %d days", days < 0 ? -days : days);
    }
}

struct answer {
    char data[ANSWER_MAX + 1];
    size_t length;
    bool is_nginx, ends; ///< who stands in front, and whether the connection ends with the answer
};

static size_t take(char *data, size_t one, size_t count, void *user)
{
    struct answer *answer = user;
    size_t bytes = one * count;
    size_t room = ANSWER_MAX - answer->length;
    size_t part = bytes < room ? bytes : room;
    memcpy(answer->data + answer->length, data, part);
    answer->length += part;
    return part;
}

static size_t header(char *data, size_t one, size_t count, void *user)
{
    struct answer *answer = user;
    size_t bytes = one * count;
    answer->is_nginx |= bytes > 13 && strncasecmp(data, "server: nginx", 13) == 0;
    answer->ends |= bytes > 17 && strncasecmp(data, "connection: close", 17) == 0;
    return bytes;
}

/// Asks the site through its public address, as a visitor would.
static CURLcode ask(const char *url, const char *path, struct answer *answer, long *status,
    char why[CURL_ERROR_SIZE])
{
    char whole[1024];
    snprintf(whole, sizeof whole, "%s%s", url, path);
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return CURLE_FAILED_INIT;
    }
    curl_easy_setopt(curl, CURLOPT_URL, whole);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); // as other servers do
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    const char *authorities = getenv("SSL_CERT_FILE"); // as outgoing requests of the server
    if (authorities != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
    }
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(curl);
    answer->data[answer->length] = '\0';
    return code;
}

/// What the server was told of host and scheme, if its answer says so.
static void check_proxy(struct shoal_doctor *doctor, const char *url, const char *data,
    size_t length)
{
    json_t *seen = shoal_json_parse(data, length, NULL);
    const char *host = shoal_text(seen, "host", NULL);
    const char *scheme = shoal_text(seen, "scheme", NULL);
    if (host != NULL && scheme != NULL) {
        char is[512];
        snprintf(is, sizeof is, "%s://%s", scheme, host);
        bool fits = strcasecmp(is, url) == 0;
        shoal_doctor_say(doctor, fits ? SHOAL_FINDING_FINE : SHOAL_FINDING_BAD, "proxy",
            fits ? NULL : "let the proxy send Host and X-Forwarded-Proto as they are, and list its "
                          "address in trusted_proxies",
            "requests to %s arrive as %s", url, is);
    }
    json_decref(seen);
}

/// A server that delivers may not notice that nginx closed an idle connection, and loses what it says on it.
/// An inbox answers 405 to GET; where there is none, nothing is said.
static void check_idle(struct shoal_doctor *doctor, const char *url, struct answer *answer)
{
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    *answer = (struct answer){0};
    if (ask(url, "/inbox", answer, &status, why) == CURLE_OK && status == 405 && answer->is_nginx) {
        shoal_doctor_say(doctor, answer->ends ? SHOAL_FINDING_FINE : SHOAL_FINDING_BAD, "inbox",
            answer->ends ? NULL
                         : "add the last location of README's lines for nginx, which says keepalive_timeout 0",
            answer->ends ? "nginx keeps no connection to an inbox open"
                         : "nginx keeps idle connections to inboxes open: PeerTube loses what it says on "
                           "one that was closed meanwhile");
    }
}

static void check_url(struct shoal_doctor *doctor)
{
    const char *url = doctor->config->url;
    if (url == NULL) {
        shoal_doctor_say(doctor, SHOAL_FINDING_NOTE, "url",
            "set url in shoal.lua once the site has a public address",
            "there is none: the site works for this machine and its network, without federation");
        return;
    }
    if (!doctor->is_running) {
        shoal_doctor_say(doctor, SHOAL_FINDING_NOTE, "url", "run the doctor while it serves",
            "%s can only be tried while the server runs", url);
        return;
    }
    struct answer *answer = calloc(1, sizeof *answer);
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    if (answer == NULL) {
        abort();
    }
    CURLcode code = ask(url, "/health", answer, &status, why);
    if (code != CURLE_OK) {
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "url",
            "look at the name's DNS entry, the firewall, and the proxy in front",
            "%s does not answer: %s", url, why[0] != '\0' ? why : curl_easy_strerror(code));
    } else if (status != 200 && status != 503) {
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "url",
            "does the proxy pass everything on to this server?",
            "%s/health answers %ld: another server seems to stand there", url, status);
    } else {
        shoal_doctor_say(doctor, SHOAL_FINDING_FINE, "url", NULL, "%s reaches this server", url);
        check_proxy(doctor, url, answer->data, answer->length);
        check_idle(doctor, url, answer);
    }
    free(answer);
}

void shoal_doctor_network(struct shoal_doctor *doctor)
{
    check_ports(doctor);
    check_url(doctor);
    check_certificate(doctor);
}
