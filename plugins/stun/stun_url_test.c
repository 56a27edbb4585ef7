// stun_url_test.c - which sites send their players to themselves.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stun_url.h"

static void a_public_site_names_itself_and_no_other_does(void **state)
{
    (void)state;
    static const struct {
        const char *site, *listen, *url;
    } rows[] = {
        {"https://videos.example.org/", "[::]:3478", "stun:videos.example.org:3478"},
        {"https://videos.example.org:8443/", "0.0.0.0:13478", "stun:videos.example.org:13478"},
        {"http://203.0.113.7", "[::]:3478", "stun:203.0.113.7:3478"},
        {"https://172.32.0.1/", "[::]:3478", "stun:172.32.0.1:3478"},
        {"https://[2001:db8::1]:444/", "[::]:3478", "stun:[2001:db8::1]:3478"},
        {"https://videos.example.org/", "3478", NULL},
        {"https://videos.example.org/", "[::]:", NULL},
        {"videos.example.org", "[::]:3478", NULL},
        {"http://localhost:9000/", "[::]:3478", NULL},
        {"http://127.0.0.1:9000/", "[::]:3478", NULL},
        {"http://10.1.2.3/", "[::]:3478", NULL},
        {"http://172.16.0.1/", "[::]:3478", NULL},
        {"http://192.168.1.2/", "[::]:3478", NULL},
        {"http://169.254.1.2/", "[::]:3478", NULL},
        {"http://100.64.0.1/", "[::]:3478", NULL},
        {"http://224.0.0.1/", "[::]:3478", NULL},
        {"http://[::1]:9000/", "[::]:3478", NULL},
        {"http://[fd00::1]/", "[::]:3478", NULL},
        {"http://[fe80::1]/", "[::]:3478", NULL},
        {"http://[::ffff:203.0.113.7]/", "[::]:3478", NULL},
        {"http://tube42/", "[::]:3478", NULL},
        {"http://tube.LOCAL/", "[::]:3478", NULL},
        {"http://tube.internal:81/", "[::]:3478", NULL},
        {"http://abcdefgh.onion/", "[::]:3478", NULL},
    };
    struct shoal_arena *arena = shoal_arena_new(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *url = stun_url_of(arena, rows[i].site, rows[i].listen);
        if (rows[i].url) {
            assert_non_null(url);
            assert_string_equal(url, rows[i].url);
        } else {
            assert_null(url);
        }
    }
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_public_site_names_itself_and_no_other_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
