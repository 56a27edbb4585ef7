// fetcher_test.c - the fetcher against a server of this machine: guard, bounds, headers, files.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <shoal/base.h>

#include "net/fetcher.h"

/// Answers one connection after the other with the same bytes; keeps what it was asked.
static struct {
    pthread_t thread;
    int fd, port;
    pthread_mutex_t lock; ///< for the rest
    char answer[512];
    bool is_mute;
    char asked[4096];
    int count;
} peer = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void answer_set(const char *answer, bool is_mute)
{
    pthread_mutex_lock(&peer.lock);
    snprintf(peer.answer, sizeof peer.answer, "%s", answer);
    peer.is_mute = is_mute;
    pthread_mutex_unlock(&peer.lock);
}

static bool was_asked(const char *part)
{
    pthread_mutex_lock(&peer.lock);
    bool found = strstr(peer.asked, part) != NULL;
    pthread_mutex_unlock(&peer.lock);
    return found;
}

static int asked_count(void)
{
    pthread_mutex_lock(&peer.lock);
    int count = peer.count;
    pthread_mutex_unlock(&peer.lock);
    return count;
}

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        int fd = accept(peer.fd, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        char asked[sizeof peer.asked] = "", answer[sizeof peer.answer];
        size_t length = 0;
        while (length + 1 < sizeof asked) {
            ssize_t got = recv(fd, asked + length, sizeof asked - 1 - length, 0);
            length += got > 0 ? (size_t)got : 0;
            asked[length] = '\0';
            if (got <= 0 || strstr(asked, "\r\n\r\n")) {
                break;
            }
        }
        pthread_mutex_lock(&peer.lock);
        memcpy(peer.asked, asked, sizeof asked);
        memcpy(answer, peer.answer, sizeof answer);
        peer.count++;
        bool is_mute = peer.is_mute;
        pthread_mutex_unlock(&peer.lock);
        if (is_mute) {
            char byte;
            recv(fd, &byte, 1, 0); // until the other side gives up
        } else {
            send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        }
        close(fd);
    }
}

static int start_all(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(peer.fd, (struct sockaddr *)&address, length) != 0 || listen(peer.fd, 8) != 0) {
        return -1;
    }
    getsockname(peer.fd, (struct sockaddr *)&address, &length);
    peer.port = ntohs(address.sin_port);
    return pthread_create(&peer.thread, NULL, serve, NULL);
}

static int stop_all(void **state)
{
    (void)state;
    shutdown(peer.fd, SHUT_RDWR);
    pthread_join(peer.thread, NULL);
    close(peer.fd);
    return 0;
}

static void start_fetcher(const char *network)
{
    struct shoal_guard guard = {0};
    struct shoal_err err = {0};
    assert_true(!network || shoal_guard_allow(&guard, network, &err) == 0);
    assert_int_equal(shoal_fetcher_start("Test/1", &guard, &err), 0);
}

static const char *url_of(struct shoal_call *call, const char *path)
{
    return shoal_arena_printf(shoal_call_arena(call), "http://127.0.0.1:%d%s", peer.port, path);
}

static void T29_asks_nobody_private_unless_allowed(void **state)
{
    (void)state;
    answer_set("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false);
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_fetched fetched;
    struct shoal_err err = {0};
    const struct shoal_fetch what = {.url = url_of(&call, "/x")};
    int before = asked_count();
    start_fetcher(NULL);
    assert_int_equal(shoal_fetcher_run(&call, &what, NULL, &fetched, &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "private network"));
    shoal_fetcher_stop();
    assert_int_equal(asked_count(), before);
    start_fetcher("127.0.0.1");
    assert_int_equal(shoal_fetcher_run(&call, &what, NULL, &fetched, &err), 0);
    assert_string_equal(fetched.body, "ok");
    shoal_fetcher_stop();
    start_fetcher(NULL);
    assert_int_equal(shoal_fetcher_allow("127.0.0.0/40", &err), SHOAL_EINVAL);
    assert_int_equal(shoal_fetcher_run(&call, &what, NULL, &fetched, &err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_fetcher_allow("127.0.0.0/8", &err), 0);
    assert_int_equal(shoal_fetcher_run(&call, &what, NULL, &fetched, &err), 0);
    shoal_fetcher_stop();
    shoal_call_fini(&call);
}

static void gives_status_type_headers_and_body(void **state)
{
    (void)state;
    answer_set("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-Note:  seen \r\n"
                  "Content-Length: 3\r\n\r\nno!", false);
    start_fetcher("127.0.0.0/8");
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_fetched fetched;
    struct shoal_err err = {0};
    const char *const headers[] = {"X-Mine: yes", NULL};
    const struct shoal_fetch what = {
        .url = url_of(&call, "/y"), .method = "PUT", .headers = headers, .body = "data", .body_bytes = 4};
    assert_int_equal(shoal_fetcher_run(&call, &what, NULL, &fetched, &err), 0);
    assert_int_equal(fetched.status, 404);
    assert_string_equal(fetched.type, "text/plain");
    assert_string_equal(fetched.body, "no!");
    assert_int_equal(fetched.body_bytes, 3);
    assert_non_null(fetched.header(&fetched, "x-NOTE"));
    assert_null(fetched.header(&fetched, "x-not"));
    assert_true(was_asked("PUT /y HTTP/1.1\r\n"));
    assert_true(was_asked("X-Mine: yes\r\n"));
    assert_true(was_asked("User-Agent: Test/1\r\n"));
    shoal_fetcher_stop();
    shoal_call_fini(&call);
}

static void T29_refuses_what_would_change_the_request(void **state)
{
    (void)state;
    start_fetcher("127.0.0.1");
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_fetched fetched;
    int before = asked_count();
    const char *const broken[] = {"X: a\r\nY: b", NULL};
    const char *const nameless[] = {"nothing", NULL};
    const struct shoal_fetch bad[] = {
        {.url = url_of(&call, "/"), .headers = broken},
        {.url = url_of(&call, "/"), .headers = nameless},
        {.url = url_of(&call, "/"), .method = "GET / HTTP/1.1\r\nX: y"},
        {.url = url_of(&call, "/"), .method = ""},
        {.url = url_of(&call, "/ x\r\nY: b")},
        {.url = "file:///etc/passwd"},
        {.url = "gopher://127.0.0.1/"},
        {.url = ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        assert_int_equal(shoal_fetcher_run(&call, &bad[i], NULL, &fetched, &err), SHOAL_EINVAL);
        assert_true(err.text[0]);
    }
    assert_int_equal(asked_count(), before);
    shoal_fetcher_stop();
    shoal_call_fini(&call);
}

static bool may_number(struct shoal_call *call, const char *url)
{
    (void)call;
    return strncmp(url, "http://127.0.0.1:", 17) == 0;
}

static void a_redirect_leads_only_where_the_call_may_ask(void **state)
{
    (void)state;
    start_fetcher("127.0.0.1");
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_fetched fetched;
    struct shoal_err err = {0};
    answer_set(shoal_arena_printf(shoal_call_arena(&call),
        "HTTP/1.1 302 Found\r\nLocation: http://localhost:%d/there\r\nContent-Length: 0\r\n\r\n",
        peer.port), false);
    const struct shoal_fetch what = {.url = url_of(&call, "/here")};
    assert_int_equal(shoal_fetcher_run(&call, &what, may_number, &fetched, &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "may not be asked"));
    shoal_fetcher_stop(); // and the connection that said nothing is closed
    assert_false(was_asked("/there"));
    shoal_call_fini(&call);
}

static void writes_a_file_whole_or_not_at_all(void **state)
{
    (void)state;
    char folder[] = "/tmp/shoal-fetch-XXXXXX", path[64], text[8] = "";
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/got", folder);
    start_fetcher("127.0.0.1");
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_fetched fetched;
    struct shoal_err err = {0};
    answer_set("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false);
    const struct shoal_fetch small = {.url = url_of(&call, "/"), .to_path = path, .max_bytes = 4};
    assert_int_equal(shoal_fetcher_run(&call, &small, NULL, &fetched, &err), SHOAL_ETOOLARGE);
    assert_int_equal(access(path, F_OK), -1);
    const struct shoal_fetch enough = {.url = url_of(&call, "/"), .to_path = path, .max_bytes = 5};
    assert_int_equal(shoal_fetcher_run(&call, &enough, NULL, &fetched, &err), 0);
    assert_null(fetched.body);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, text, sizeof text), 5);
    close(fd);
    assert_string_equal(text, "hello");
    assert_int_equal(shoal_fetcher_run(&call, &enough, NULL, &fetched, &err), SHOAL_EIO);
    assert_int_equal(access(path, F_OK), 0); // what was there is not touched
    unlink(path);
    rmdir(folder);
    shoal_fetcher_stop();
    shoal_call_fini(&call);
}

static void gives_up_at_the_deadline(void **state)
{
    (void)state;
    answer_set("", true);
    start_fetcher("127.0.0.1");
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_fetched fetched;
    struct shoal_err err = {0};
    const struct shoal_fetch what = {.url = url_of(&call, "/"), .timeout_ms = 200};
    int64_t before = shoal_tick_ms();
    assert_int_equal(shoal_fetcher_run(&call, &what, NULL, &fetched, &err), SHOAL_ETIMEOUT);
    assert_true(shoal_tick_ms() - before < 3000);
    shoal_fetcher_stop();
    answer_set("", false);
    assert_int_equal(shoal_fetcher_run(&call, &what, NULL, &fetched, &err), SHOAL_EBUSY);
    shoal_call_fini(&call);
}

/// What the fetcher's thread said of a request that nobody waits for.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t told;
    int count, code, status;
} end = {.lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};

static void note(
    void *arg, int code, const struct shoal_fetched *fetched, const struct shoal_err *why)
{
    assert_ptr_equal(arg, &end);
    assert_true(code == 0 || why->text[0] != '\0');
    pthread_mutex_lock(&end.lock);
    end.count++;
    end.code = code;
    end.status = fetched->status;
    pthread_cond_signal(&end.told);
    pthread_mutex_unlock(&end.lock);
}

static void ended(int count)
{
    pthread_mutex_lock(&end.lock);
    while (end.count < count) {
        pthread_cond_wait(&end.told, &end.lock);
    }
    assert_int_equal(end.count, count);
    pthread_mutex_unlock(&end.lock);
}

static void tells_the_end_of_what_nobody_waits_for(void **state)
{
    (void)state;
    char folder[] = "/tmp/shoal-fetch-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/got", folder);
    start_fetcher("127.0.0.1");
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_err err = {0};
    answer_set("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false);
    struct shoal_fetch what = {.url = url_of(&call, "/"), .to_path = path, .max_bytes = 4};
    assert_int_equal(shoal_fetcher_launch(&what, note, &end, &err), 0);
    ended(1);
    assert_int_equal(end.code, SHOAL_ETOOLARGE);
    assert_int_equal(access(path, F_OK), -1);
    what.max_bytes = 5;
    assert_int_equal(shoal_fetcher_launch(&what, note, &end, &err), 0);
    ended(2);
    assert_int_equal(end.code, 0);
    assert_int_equal(end.status, 200);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(shoal_fetcher_launch(&what, note, &end, &err), SHOAL_EIO); // it is there
    unlink(path);
    const struct shoal_fetch bad = {.url = "file:///etc/passwd"};
    assert_int_equal(shoal_fetcher_launch(&bad, note, &end, &err), SHOAL_EINVAL);
    shoal_fetcher_stop();
    start_fetcher(NULL);
    assert_int_equal(shoal_fetcher_launch(&what, note, &end, &err), 0);
    ended(3);
    assert_int_equal(end.code, SHOAL_EFORBIDDEN); // T29: the guard is the same
    assert_int_equal(access(path, F_OK), -1);
    shoal_fetcher_stop();
    rmdir(folder);
    shoal_call_fini(&call);
}

static void what_nobody_waits_for_is_bounded_and_ends_with_the_server(void **state)
{
    (void)state;
    answer_set("", true);
    start_fetcher("127.0.0.1");
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_err err = {0};
    const struct shoal_fetch what = {.url = url_of(&call, "/"), .timeout_ms = 60000};
    int before = end.count;
    int begun = 0;
    while (begun < 1000 && shoal_fetcher_launch(&what, note, &end, &err) == 0) {
        begun++;
    }
    assert_int_equal(begun, 256);
    assert_int_equal(err.code, SHOAL_EBUSY);
    shoal_fetcher_stop();
    ended(before + begun);
    assert_int_equal(end.code, SHOAL_ECANCELLED);
    assert_int_equal(shoal_fetcher_launch(&what, note, &end, &err), SHOAL_EBUSY);
    const struct shoal_fetch bad = {.url = "file:///etc/passwd"}; // nothing is looked at any more
    assert_int_equal(shoal_fetcher_launch(&bad, note, &end, &err), SHOAL_EBUSY);
    answer_set("", false);
    shoal_call_fini(&call);
}

/// Servers that leave closing to whoever asks: as many addresses as are asked for, behind one socket.
static struct {
    pthread_t thread;
    int fd, port;
    int open[700];
    _Atomic int count;
} crowd;

static void *crowd_serve(void *unused)
{
    (void)unused;
    static const char answer[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    for (;;) {
        int fd = accept(crowd.fd, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        char asked[4096];
        assert_true(recv(fd, asked, sizeof asked, 0) > 0);
        crowd.open[crowd.count] = fd;
        crowd.count++;
        send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    }
}

static void crowd_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t length = sizeof address;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &files);
    crowd.count = 0;
    crowd.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(crowd.fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(crowd.fd, 8), 0);
    getsockname(crowd.fd, (struct sockaddr *)&address, &length);
    crowd.port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&crowd.thread, NULL, crowd_serve, NULL), 0);
}

static void crowd_stop(void)
{
    shutdown(crowd.fd, SHUT_RDWR);
    pthread_join(crowd.thread, NULL);
    close(crowd.fd);
    for (int i = 0; i < crowd.count; i++) {
        close(crowd.open[i]);
    }
}

static void crowd_ask(int first, int count)
{
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_fetched fetched;
    struct shoal_err err = {0};
    for (int i = first; i < first + count; i++) {
        const char *url = shoal_arena_printf(
            shoal_call_arena(&call), "http://127.0.%d.%d:%d/inbox", i / 250 + 1, i % 250 + 1, crowd.port);
        const struct shoal_fetch what = {.url = url, .method = "POST", .body = "{}", .body_bytes = 2};
        if (shoal_fetcher_run(&call, &what, NULL, &fetched, &err) != 0) {
            fail_msg("%s", err.text);
        }
    }
    shoal_call_fini(&call);
}

/// Looks at most for so long at each whether its other side has closed it.
static int crowd_closed(int wait_ms)
{
    int closed = 0;
    for (int i = 0; i < crowd.count; i++) {
        char byte;
        const struct timeval most = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 + 1};
        setsockopt(crowd.open[i], SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
        closed += recv(crowd.open[i], &byte, 1, 0) == 0 ? 1 : 0;
    }
    return closed;
}

static void keeps_a_bounded_number_of_connections(void **state)
{
    (void)state;
    crowd_start();
    start_fetcher("127.0.0.0/8");
    crowd_ask(0, 600);
    int left = crowd.count - crowd_closed(0);
    assert_in_range(left, 1, 512);
    assert_int_equal(crowd.count, 600);
    shoal_fetcher_stop();
    crowd_stop();
}

static void closes_what_nobody_used_for_a_while(void **state)
{
    (void)state;
    crowd_start();
    setenv("SHOAL_DRILL_IDLE", "100", 1);
    start_fetcher("127.0.0.0/8");
    crowd_ask(0, 20);
    assert_int_equal(crowd_closed(20000), 20);
    crowd_ask(0, 2); // and others are made
    assert_int_equal(crowd.count, 22);
    assert_int_equal(crowd_closed(20000), 22);
    shoal_fetcher_stop();
    unsetenv("SHOAL_DRILL_IDLE");
    crowd_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T29_asks_nobody_private_unless_allowed),
        cmocka_unit_test(gives_status_type_headers_and_body),
        cmocka_unit_test(T29_refuses_what_would_change_the_request),
        cmocka_unit_test(a_redirect_leads_only_where_the_call_may_ask),
        cmocka_unit_test(writes_a_file_whole_or_not_at_all),
        cmocka_unit_test(gives_up_at_the_deadline),
        cmocka_unit_test(tells_the_end_of_what_nobody_waits_for),
        cmocka_unit_test(what_nobody_waits_for_is_bounded_and_ends_with_the_server),
        cmocka_unit_test(keeps_a_bounded_number_of_connections),
        cmocka_unit_test(closes_what_nobody_used_for_a_while),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
