// remote_bring_test.c - what of a file that did not come is counted against it, and when it is asked for again.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "catalog/catalog_test.h"
#include "catalog/remote_priv.h"
#include "net/fetcher.h"

/// A host that has every file.
static struct {
    pthread_t thread;
    int fd;
    char url[64];
    _Atomic int asked;
    _Atomic bool holds; // its answers
} host;

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system;
    _Atomic int64_t tries, tried_ms; // what the row says
    _Atomic int looks, stores; // what becomes of a file that came
    _Atomic int failed, stored;
} scene;

static void *serve(void *unused)
{
    (void)unused;
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    char asked[4096];
    for (;;) {
        int fd = accept(host.fd, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        if (recv(fd, asked, sizeof asked, 0) > 0) {
            host.asked++;
            while (host.holds) {
                usleep(2000);
            }
            send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
        }
        close(fd);
    }
}

static int setup(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    host.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(host.fd, (struct sockaddr *)&address, length) != 0 || listen(host.fd, 8) != 0) {
        return -1;
    }
    getsockname(host.fd, (struct sockaddr *)&address, &length);
    snprintf(host.url, sizeof host.url, "http://127.0.0.1:%d/x.jpg", ntohs(address.sin_port));
    scene.kit = shoal_kit_new("url = \"https://ours.example\"\n");
    scene.system = shoal_kit_system(scene.kit);
    assert_int_equal(shoal_fetcher_allow("127.0.0.1", &err), 0);
    return pthread_create(&host.thread, NULL, serve, NULL);
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    shutdown(host.fd, SHUT_RDWR);
    pthread_join(host.thread, NULL);
    close(host.fd);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    scene.tries = scene.tried_ms = 0;
    scene.looks = scene.stores = scene.failed = scene.stored = host.asked = 0;
    catalog_far_start(); // nobody rests
    return 0;
}

static int find(struct shoal_call *call, struct catalog_far *far, struct shoal_err *err)
{
    (void)call;
    (void)err;
    far->url = host.url;
    far->tries = scene.tries;
    far->tried_ms = scene.tried_ms;
    return 0;
}

static int look(struct shoal_call *call, struct catalog_far *far, const char *path,
    const char *work, struct shoal_err *err)
{
    (void)call;
    (void)work;
    far->made = path;
    return scene.looks == 0 ? 0 : shoal_fail(err, scene.looks, "it is not what it should be");
}

static int store(struct shoal_call *call, struct catalog_far *far, struct shoal_err *err)
{
    (void)call;
    assert_non_null(far->made);
    scene.stored += scene.stores == 0 ? 1 : 0;
    return scene.stores == 0 ? 0 : shoal_fail(err, scene.stores, "it is not stored");
}

static int failed_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)tx;
    (void)arg;
    (void)err;
    scene.failed++;
    return 0;
}

static int bring(const char *name)
{
    static const struct catalog_far_type type = {.bounds = CATALOG_FAR_PICTURE,
        .find = find, .look = look, .store = store, .failed_tx = failed_tx};
    struct shoal_err err = {0};
    return catalog_far_bring(scene.system, &type, "thumbnail", name, &err);
}

// Asks until nothing is on its way under this name. Returns what is said then.
static int ended(const char *name)
{
    int code = bring(name);
    while (code == SHOAL_LATER) {
        usleep(2000);
        code = bring(name);
    }
    return code;
}

static void what_is_wrong_with_a_file_is_counted(void **state)
{
    (void)state;
    const int theirs[] = {SHOAL_EUNREADABLE, SHOAL_EINVAL, SHOAL_EUPSTREAM, SHOAL_ETOOLARGE, SHOAL_ETIMEOUT};
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++) {
        begin(NULL);
        scene.looks = theirs[i];
        const char *name = shoal_arena_printf(scene.system->arena, "%zu.jpg", i); // the last may be ending
        assert_int_equal(bring(name), SHOAL_LATER);
        while (scene.failed == 0) {
            usleep(2000);
        }
        assert_int_equal(host.asked, 1);
    }
}

static void what_is_wrong_here_is_not(void **state)
{
    (void)state;
    static const struct {
        int looks, stores;
    } ours[] = {{SHOAL_EFULL, 0}, {SHOAL_EBUSY, 0}, {SHOAL_EIO, 0}, {SHOAL_EUNSUPPORTED, 0},
        {0, SHOAL_EFULL}, {0, SHOAL_EIO}, {0, SHOAL_EUPSTREAM}, {0, SHOAL_ETIMEOUT}, {0, SHOAL_EFORBIDDEN}};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        begin(NULL);
        scene.looks = ours[i].looks;
        scene.stores = ours[i].stores;
        assert_int_equal(bring("a.jpg"), SHOAL_LATER);
        assert_int_equal(ended("a.jpg"), SHOAL_EUPSTREAM); // nobody is asked while nothing can be kept
        assert_int_equal(bring("b.jpg"), SHOAL_EUPSTREAM);
        assert_int_equal(host.asked, 1);
        assert_int_equal(scene.failed, 0);
    }
}

static void after_a_rest_one_comes_at_a_time_until_one_is_kept(void **state)
{
    (void)state;
    setenv("SHOAL_DRILL_FULL", "50", 1);
    scene.stores = SHOAL_EIO;
    host.holds = true;
    assert_int_equal(bring("a.jpg"), SHOAL_LATER);
    assert_int_equal(bring("b.jpg"), SHOAL_LATER);
    host.holds = false;
    assert_int_equal(ended("a.jpg"), SHOAL_EUPSTREAM);
    assert_int_equal(ended("b.jpg"), SHOAL_EUPSTREAM);
    host.holds = true;
    int code = 0;
    while ((code = bring("d.jpg")) != SHOAL_LATER) {
        assert_int_equal(code, SHOAL_EUPSTREAM);
        usleep(2000);
    }
    assert_int_equal(bring("e.jpg"), SHOAL_EUPSTREAM);
    scene.stores = 0;
    host.holds = false;
    while (scene.stored == 0) {
        usleep(2000);
    }
    host.holds = true;
    while (bring("f.jpg") != SHOAL_LATER) {
        usleep(2000);
    }
    assert_int_equal(bring("g.jpg"), SHOAL_LATER);
    host.holds = false;
    while (scene.stored < 3) {
        usleep(2000);
    }
    assert_int_equal(scene.failed, 0);
    unsetenv("SHOAL_DRILL_FULL");
}

static void each_try_waits_longer_up_to_a_day(void **state)
{
    (void)state;
    static const struct {
        int64_t tries, pause_s;
    } rows[] = {{1, 60}, {2, 240}, {3, 960}, {4, 3840}, {5, 15360}, {6, 61440}, {7, 86400}, {1000, 86400}};
    const int count = sizeof rows / sizeof rows[0];
    for (int i = 0; i < count; i++) {
        const char *name = shoal_arena_printf(scene.system->arena, "%d.jpg", i);
        scene.tries = rows[i].tries;
        scene.tried_ms = shoal_now_ms() - (rows[i].pause_s - 30) * 1000;
        assert_int_equal(bring(name), SHOAL_EUPSTREAM);
        scene.tried_ms = shoal_now_ms() - rows[i].pause_s * 1000;
        assert_int_equal(bring(name), SHOAL_LATER);
    }
    while (host.asked < count) {
        usleep(2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_wrong_with_a_file_is_counted, begin),
        cmocka_unit_test_setup(what_is_wrong_here_is_not, begin),
        cmocka_unit_test_setup(after_a_rest_one_comes_at_a_time_until_one_is_kept, begin),
        cmocka_unit_test_setup(each_try_waits_longer_up_to_a_day, begin),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
