// fetcher.c - the one thread through which everything goes out: libcurl's multi interface, guarded.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/fetcher_priv.h"

#include "base/drill.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HEADERS_MAX      128
#define HEADER_BYTES     65536 // of an answer's head
#define AT_ONCE_MAX      64   // beside those of flights
#define IDLE_MAX         512  // connections that are kept for the next request
#define IDLE_MS          60000 // and how long
#define FLIGHT_BUFFER_BYTES 2048L // of each of its requests, for what is read at once

static struct fetcher {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t done;
    CURLM *multi; ///< another thread touches it with the lock alone
    struct fetch *queued;
    int active; ///< queued and running
    int flown;  ///< what the open flights may have under way
    atomic_bool is_running, is_stopping;
    char user_agent[128];
    const char *authorities; ///< a PEM file in the place of the system's bundle, or NULL
    struct shoal_guard guard;
} fetcher = {.lock = PTHREAD_MUTEX_INITIALIZER};

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *fetch = user;
    pthread_mutex_lock(&fetcher.lock);
    bool passes = shoal_guard_passes(&fetcher.guard, &address->addr);
    pthread_mutex_unlock(&fetcher.lock);
    if (purpose != CURLSOCKTYPE_IPCXN || !passes) {
        fetch->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// Before each request, also those after redirects: nothing was sent yet.
static int permit(void *user, char *peer, char *own, int peer_port, int own_port)
{
    (void)peer;
    (void)own;
    (void)peer_port;
    (void)own_port;
    struct fetch *fetch = user;
    char *url = NULL;
    curl_easy_getinfo(fetch->easy, CURLINFO_EFFECTIVE_URL, &url);
    if (!fetch->may || (url && fetch->may(fetch->call, url))) {
        return CURL_PREREQFUNC_OK;
    }
    fetch->is_elsewhere = true;
    return CURL_PREREQFUNC_ABORT;
}

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    struct fetch *fetch = user;
    size_t length = size * count;
    if (fetch->received + length > fetch->max_bytes) {
        fetch->is_too_large = true;
        return 0;
    }
    fetch->received += length;
    if (fetch->file < 0) {
        fetch->is_without_memory = shoal_buf_add(&fetch->body, data, length) != 0;
        return fetch->is_without_memory ? 0 : length;
    }
    for (size_t written = 0; written < length;) {
        ssize_t n = write(fetch->file, data + written, length - written);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            fetch->write_error = errno;
            return 0;
        }
        written += (size_t)n;
    }
    return length;
}

static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    struct fetch *fetch = user;
    size_t length = size * count;
    if (length >= 5 && strncmp(data, "HTTP/", 5) == 0) {
        fetch->head.length = 0; // a redirect's or an interim answer's headers do not count
    }
    size_t text = length;
    while (text > 0 && (data[text - 1] == '\r' || data[text - 1] == '\n')) {
        text--;
    }
    if (text == 0 || !memchr(data, ':', text)) {
        return length;
    }
    if (shoal_buf_add(&fetch->head, data, text) != 0 || shoal_buf_add(&fetch->head, "", 1) != 0) {
        fetch->is_too_large = true;
        return 0;
    }
    return length;
}

static int watch(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    (void)total;
    (void)now;
    (void)up_total;
    (void)up;
    const struct fetch *fetch = user;
    bool is_unwanted = fetch->flight ? shoal_flight_is_closing(fetch->flight)
                                     : fetch->call && shoal_call_cancelled(fetch->call);
    return is_unwanted || fetcher.is_stopping;
}

/// What would end up in the request as it is may not break out of its line.
static int check(const struct shoal_fetch *what, struct shoal_err *err)
{
    if (what->method && (!*what->method ||
                            strspn(what->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != strlen(what->method))) {
        return shoal_fail(err, SHOAL_EINVAL, "\"%.40s\" is not a method", what->method);
    }
    int count = 0;
    for (; what->headers && what->headers[count]; count++) {
        const char *header = what->headers[count];
        if (strpbrk(header, "\r\n") || !strchr(header, ':') || count == HEADERS_MAX) {
            return shoal_fail(
                err, SHOAL_EINVAL, "a header of an outgoing request is not \"Name: value\"");
        }
    }
    return 0;
}

int fetch_set_up(struct fetch *fetch, struct shoal_err *err)
{
    const struct shoal_fetch *what = fetch->what;
    fetch->file = -1;
    fetch->max_bytes = what->max_bytes ? what->max_bytes : 1024 * 1024;
    fetch->body.limit = (size_t)fetch->max_bytes + 1;
    fetch->head.limit = HEADER_BYTES;
    if (!fetcher.is_running || fetcher.is_stopping) { // libcurl may have ended
        return shoal_fail(err, SHOAL_EBUSY, "the server is stopping");
    }
    int code = check(what, err);
    if (code != 0) {
        return code;
    }
    bool is_https = strncasecmp(what->url, "https://", 8) == 0;
    if (!is_https && strncasecmp(what->url, "http://", 7) != 0) {
        return shoal_fail(err, SHOAL_EINVAL, "\"%.200s\" is not an http or https address", what->url);
    }
    CURL *easy = fetch->easy = curl_easy_init();
    if (!easy) {
        return shoal_fail(err, SHOAL_EINTERNAL, "no memory for an outgoing request");
    }
    const char *method = what->method ? what->method : "GET";
    long timeout_ms = (long)shoal_drill_ms("SHOAL_DRILL_FETCH", what->timeout_ms ? what->timeout_ms : 10000);
    int64_t left_ms = fetch->call ? shoal_call_left_ms(fetch->call) : INT64_MAX;
    timeout_ms = left_ms >= timeout_ms ? timeout_ms : left_ms > 0 ? (long)left_ms : 1;
    curl_easy_setopt(easy, CURLOPT_URL, what->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->problem);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); // a proxy would open sockets behind the guard's back
    curl_easy_setopt(easy, CURLOPT_USERAGENT, fetcher.user_agent);
    if (fetcher.authorities) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, fetcher.authorities);
    }
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, what->redirects < 0 ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, what->redirects > 0 ? (long)what->redirects : 3L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < 5000 ? timeout_ms : 5000L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MS / 1000L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 100L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, 10L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, permit);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
    if (fetch->flight) { // hundreds at once, whose answers are short
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, FLIGHT_BUFFER_BYTES);
    }
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, watch);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, fetch);
    for (int i = 0; what->headers && what->headers[i]; i++) {
        fetch->headers = curl_slist_append(fetch->headers, what->headers[i]);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
    if (what->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, what->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)what->body_bytes);
    }
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (what->body ? strcmp(method, "POST") != 0 : strcmp(method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    }
    return 0;
}

static void finish(CURL *easy, CURLcode result)
{
    struct fetch *fetch = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &fetch);
    curl_multi_remove_handle(fetcher.multi, easy);
    pthread_mutex_lock(&fetcher.lock);
    fetch->result = result;
    fetch->is_done = true;
    fetcher.active--;
    void (*ended)(struct fetch *) = fetch->ended; // whoever waits may be gone with it in a moment
    if (fetch->flight) {
        shoal_flight_landed(fetch->flight, fetch);
    } else {
        pthread_cond_broadcast(&fetcher.done);
    }
    pthread_mutex_unlock(&fetcher.lock);
    if (ended) {
        ended(fetch);
    }
}

static struct fetch *take_queued(bool *is_over)
{
    pthread_mutex_lock(&fetcher.lock);
    struct fetch *queued = fetcher.queued;
    fetcher.queued = NULL;
    *is_over = fetcher.is_stopping && fetcher.active == 0;
    pthread_mutex_unlock(&fetcher.lock);
    return queued;
}

static CURLM *multi_new(void)
{
    CURLM *multi = curl_multi_init();
    if (multi) {
        curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 6L);
        curl_multi_setopt(
            multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)(AT_ONCE_MAX + FLIGHTS_MAX + LAUNCHED_MAX));
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)IDLE_MAX);
    }
    return multi;
}

/// libcurl looks for connections that idle too long when it makes another one, and then alone: after the last
/// request they would stay, also those that the other side has closed. Returns: whether all of them are closed.
static bool let_go(void)
{
    CURLM *other = multi_new();
    pthread_mutex_lock(&fetcher.lock);
    bool is_idle = other && fetcher.active == 0;
    if (is_idle) {
        CURLM *old = fetcher.multi;
        fetcher.multi = other;
        other = old;
    }
    pthread_mutex_unlock(&fetcher.lock);
    curl_multi_cleanup(other);
    return is_idle;
}

static void *run(void *unused)
{
    (void)unused;
    const int64_t idle_ms = shoal_drill_ms("SHOAL_DRILL_IDLE", IDLE_MS);
    int64_t used_ms = 0; // when there was a request; 0: none since all connections were closed
    for (;;) {
        bool is_over = false;
        struct fetch *fetch = take_queued(&is_over);
        while (fetch) {
            struct fetch *next = fetch->next;
            if (curl_multi_add_handle(fetcher.multi, fetch->easy) != CURLM_OK) {
                finish(fetch->easy, CURLE_FAILED_INIT);
            }
            fetch = next;
        }
        if (is_over) {
            return NULL;
        }
        int running = 0;
        curl_multi_perform(fetcher.multi, &running);
        used_ms = running > 0 ? shoal_tick_ms() : used_ms;
        int left = 0;
        CURLMsg *message;
        while ((message = curl_multi_info_read(fetcher.multi, &left))) {
            if (message->msg == CURLMSG_DONE) {
                finish(message->easy_handle, message->data.result);
                used_ms = shoal_tick_ms();
            }
        }
        if (used_ms > 0 && shoal_tick_ms() - used_ms >= idle_ms && let_go()) {
            used_ms = 0;
        }
        // The wake-up that came with is_stopping may be used up: by requests that ended since, or let_go().
        int most_ms = running > 0 ? 200 : fetcher.is_stopping ? 0 : (int)idle_ms;
        curl_multi_poll(fetcher.multi, NULL, 0, most_ms, NULL);
    }
}

int shoal_fetcher_start(const char *user_agent, const struct shoal_guard *guard,
    struct shoal_err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return shoal_fail(err, SHOAL_EINTERNAL, "libcurl does not start");
    }
    snprintf(fetcher.user_agent, sizeof fetcher.user_agent, "%s", user_agent);
    fetcher.authorities = getenv("SSL_CERT_FILE"); // as OpenSSL has it; libcurl does not look itself
    fetcher.guard = guard ? *guard : (struct shoal_guard){0};
    fetcher.is_stopping = false;
    fetcher.active = 0;
    fetcher.flown = 0;
    fetcher.multi = multi_new();
    if (!fetcher.multi) {
        return shoal_fail(err, SHOAL_EINTERNAL, "libcurl does not start");
    }
    pthread_cond_init(&fetcher.done, NULL);
    if (pthread_create(&fetcher.thread, NULL, run, NULL) != 0) {
        curl_multi_cleanup(fetcher.multi);
        return shoal_fail(err, SHOAL_EINTERNAL, "no thread for outgoing requests");
    }
    fetcher.is_running = true;
    return 0;
}

void shoal_fetcher_stop(void)
{
    if (!fetcher.is_running) {
        return;
    }
    pthread_mutex_lock(&fetcher.lock);
    fetcher.is_stopping = true;
    curl_multi_wakeup(fetcher.multi);
    pthread_mutex_unlock(&fetcher.lock);
    pthread_join(fetcher.thread, NULL);
    pthread_mutex_lock(&fetcher.lock);
    fetcher.is_running = false;
    pthread_mutex_unlock(&fetcher.lock);
    curl_multi_cleanup(fetcher.multi);
    pthread_cond_destroy(&fetcher.done);
    curl_global_cleanup();
}

int shoal_fetcher_allow(const char *network, struct shoal_err *err)
{
    pthread_mutex_lock(&fetcher.lock);
    int code = shoal_guard_allow(&fetcher.guard, network, err);
    pthread_mutex_unlock(&fetcher.lock);
    return code;
}

/// Turns libcurl's result into one of ours, with a sentence that names the address.
int fetch_explain(const struct fetch *fetch, struct shoal_err *err)
{
    const char *url = fetch->url;
    const char *why = fetch->problem[0] ? fetch->problem : curl_easy_strerror(fetch->result);
    if (fetch->is_elsewhere) { // said of the address that was reached; another may have been refused
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s leads to a server that may not be asked", url);
    }
    if (fetch->is_refused) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s leads to a private network", url);
    }
    if (fetch->is_too_large || fetch->result == CURLE_FILESIZE_EXCEEDED) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "the answer of %.200s is larger than %llu bytes",
            url, (unsigned long long)fetch->max_bytes);
    }
    if (fetch->is_without_memory) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory for the answer of %.200s now", url);
    }
    if (fetch->write_error) {
        return shoal_fail(err, fetch->write_error == ENOSPC ? SHOAL_EFULL : SHOAL_EIO,
            "writing %s: %s", fetch->what->to_path, strerror(fetch->write_error));
    }
    switch (fetch->result) {
    case CURLE_OPERATION_TIMEDOUT:
        return shoal_fail(err, SHOAL_ETIMEOUT, "%.200s did not answer in time", url);
    case CURLE_ABORTED_BY_CALLBACK:
        return shoal_fail(err, SHOAL_ECANCELLED, "fetching %.200s was cancelled", url);
    case CURLE_URL_MALFORMAT:
        return shoal_fail(err, SHOAL_EINVAL, "\"%.200s\" is not an address", url);
    case CURLE_UNSUPPORTED_PROTOCOL:
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s leads to another kind of address", url);
    default:
        return shoal_fail(err, SHOAL_EUPSTREAM, "%.200s: %s", url, why);
    }
}

static const char *find_header(const struct shoal_fetched *fetched, const char *name)
{
    const char *at = fetched->state;
    size_t length = strlen(name);
    while (at && *at) {
        if (strncasecmp(at, name, length) == 0 && at[length] == ':') {
            const char *value = at + length + 1;
            return value + strspn(value, " \t");
        }
        at += strlen(at) + 1;
    }
    return NULL;
}

void fetch_hand_over(struct fetch *fetch, struct shoal_arena *arena, struct shoal_fetched *fetched)
{
    long status = 0;
    char *url = NULL;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(fetch->easy, CURLINFO_EFFECTIVE_URL, &url);
    char *head = shoal_arena_alloc(arena, fetch->head.length + 1);
    if (fetch->head.length > 0) {
        memcpy(head, fetch->head.data, fetch->head.length);
    }
    *fetched = (struct shoal_fetched){
        .status = (int)status,
        .url = shoal_arena_strdup(arena, url ? url : fetch->url),
        .header = find_header,
        .state = head,
        .body_bytes = (size_t)fetch->received,
    };
    const char *type = find_header(fetched, "content-type");
    fetched->type = type ? type : "";
    if (fetch->file < 0) {
        char *body = shoal_buf_take(&fetch->body, NULL);
        shoal_arena_defer(arena, free, body);
        fetched->body = body;
    }
}

int fetch_queue(struct fetch *fetch, int *count, struct shoal_err *err)
{
    pthread_mutex_lock(&fetcher.lock);
    bool is_taken = fetcher.is_running && !fetcher.is_stopping;
    if (is_taken) {
        fetch->next = fetcher.queued;
        fetcher.queued = fetch;
        fetcher.active++;
        *count += 1;
        curl_multi_wakeup(fetcher.multi);
    }
    pthread_mutex_unlock(&fetcher.lock);
    return is_taken ? 0 : shoal_fail(err, SHOAL_EBUSY, "the server is stopping");
}

static int wait_for(struct fetch *fetch, struct shoal_err *err)
{
    int count = 0;
    int code = fetch_queue(fetch, &count, err);
    pthread_mutex_lock(&fetcher.lock);
    while (code == 0 && !fetch->is_done) {
        pthread_cond_wait(&fetcher.done, &fetcher.lock);
    }
    pthread_mutex_unlock(&fetcher.lock);
    return code;
}

pthread_mutex_t *fetch_lock(void)
{
    return &fetcher.lock;
}

void fetch_wake(void)
{
    pthread_mutex_lock(&fetcher.lock);
    if (fetcher.is_running) {
        curl_multi_wakeup(fetcher.multi);
    }
    pthread_mutex_unlock(&fetcher.lock);
}

bool fetch_room_take(int most)
{
    pthread_mutex_lock(&fetcher.lock);
    bool is_room = fetcher.flown + most <= FLIGHTS_MAX;
    fetcher.flown += is_room ? most : 0;
    pthread_mutex_unlock(&fetcher.lock);
    return is_room;
}

void fetch_room_give(int most)
{
    pthread_mutex_lock(&fetcher.lock);
    fetcher.flown -= most;
    pthread_mutex_unlock(&fetcher.lock);
}

int fetch_file_open(struct fetch *fetch, struct shoal_err *err)
{
    const char *path = fetch->what->to_path;
    fetch->file = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    return path && fetch->file < 0
        ? shoal_fail(err, SHOAL_EIO, "making %s: %s", path, strerror(errno))
        : 0;
}

void fetch_file_close(struct fetch *fetch, bool is_kept)
{
    if (fetch->file >= 0) {
        close(fetch->file);
        if (!is_kept) {
            unlink(fetch->what->to_path);
        }
    }
}

void fetch_fini(struct fetch *fetch)
{
    curl_slist_free_all(fetch->headers);
    curl_easy_cleanup(fetch->easy);
    shoal_buf_fini(&fetch->body);
    shoal_buf_fini(&fetch->head);
}

int shoal_fetcher_run(struct shoal_call *call, const struct shoal_fetch *what,
    shoal_fetch_may_fn *may, struct shoal_fetched *fetched, struct shoal_err *err)
{
    struct fetch fetch = {.call = call, .what = what, .url = what->url, .may = may};
    int code = fetch_set_up(&fetch, err);
    code = code == 0 ? fetch_file_open(&fetch, err) : code;
    code = code == 0 ? wait_for(&fetch, err) : code;
    code = code == 0 && fetch.result != CURLE_OK ? fetch_explain(&fetch, err) : code;
    if (code == 0) {
        fetch_hand_over(&fetch, shoal_call_arena(call), fetched);
    }
    fetch_file_close(&fetch, code == 0);
    fetch_fini(&fetch);
    return code;
}
