// cache_test.c - what is kept, for how long, and who makes it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/cache_priv.h"

static struct shoal_item *make(const char *text, int64_t until_ms, uint64_t epoch)
{
    struct shoal_item *item = calloc(1, sizeof *item);
    item->refs = 1;
    item->status = 200;
    item->body = strdup(text);
    item->length = strlen(text);
    item->until_ms = until_ms;
    item->epoch = epoch;
    return item;
}

static enum shoal_lookup find(struct shoal_cache *cache, const char *key, uint64_t epoch,
    int64_t now_ms, struct shoal_item **item, struct shoal_ticket **ticket)
{
    return shoal_cache_find(cache, shoal_span(key), epoch, now_ms, NULL, item, ticket);
}

static void put(struct shoal_cache *cache, const char *key, const char *text)
{
    struct shoal_item *item;
    struct shoal_ticket *ticket;
    assert_int_equal(find(cache, key, 1, 0, &item, &ticket), SHOAL_LOOKUP_MAKE);
    assert_non_null(ticket);
    shoal_cache_settle(ticket, make(text, 1000, 1), false);
}

static bool has(struct shoal_cache *cache, const char *key, uint64_t epoch, int64_t now_ms)
{
    struct shoal_item *item;
    struct shoal_ticket *ticket;
    enum shoal_lookup found = find(cache, key, epoch, now_ms, &item, &ticket);
    shoal_item_unref(item);
    if (ticket) {
        shoal_cache_settle(ticket, NULL, false);
    }
    return found == SHOAL_LOOKUP_HIT;
}

static void finds_what_was_put_until_it_is_old(void **state)
{
    (void)state;
    struct shoal_cache *cache = shoal_cache_new(1u << 20);
    put(cache, "a", "text");
    assert_true(has(cache, "a", 1, 0));
    assert_true(has(cache, "a", 1, 999));
    assert_false(has(cache, "a", 1, 1000));
    assert_false(has(cache, "b", 1, 0));
    shoal_cache_free(cache);
}

static void forgets_when_the_epoch_moves(void **state)
{
    (void)state;
    struct shoal_cache *cache = shoal_cache_new(1u << 20);
    put(cache, "a", "text");
    assert_false(has(cache, "a", 2, 0));
    shoal_cache_free(cache);
}

static void gives_one_ticket_a_key(void **state)
{
    (void)state;
    struct shoal_cache *cache = shoal_cache_new(1u << 20);
    struct shoal_item *item;
    struct shoal_ticket *first, *second;
    assert_int_equal(find(cache, "a", 1, 0, &item, &first), SHOAL_LOOKUP_MAKE);
    assert_int_equal(find(cache, "a", 1, 0, &item, &second), SHOAL_LOOKUP_MAKE);
    assert_non_null(first);
    assert_null(second);
    shoal_cache_settle(first, NULL, false);
    assert_int_equal(find(cache, "a", 1, 0, &item, &second), SHOAL_LOOKUP_MAKE);
    assert_non_null(second);
    shoal_cache_settle(second, NULL, false);
    shoal_cache_free(cache);
}

static void notes_what_cannot_be_shared(void **state)
{
    (void)state;
    struct shoal_cache *cache = shoal_cache_new(1u << 20);
    struct shoal_item *item;
    struct shoal_ticket *ticket;
    find(cache, "a", 1, 0, &item, &ticket);
    shoal_cache_settle(ticket, NULL, true);
    assert_int_equal(find(cache, "a", 1, 100, &item, &ticket), SHOAL_LOOKUP_MAKE);
    assert_null(ticket); // nobody waits for it, nobody keeps it
    assert_int_equal(find(cache, "a", 1, 10000, &item, &ticket), SHOAL_LOOKUP_MAKE);
    assert_non_null(ticket);
    shoal_cache_settle(ticket, NULL, false);
    shoal_cache_free(cache);
}

static void stays_within_its_bytes(void **state)
{
    (void)state;
    struct shoal_cache *cache = shoal_cache_new(64u << 10);
    char key[32], text[1001];
    memset(text, 'x', 1000);
    text[1000] = 0;
    int kept = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        put(cache, key, text);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        kept += has(cache, key, 1, 0);
    }
    assert_in_range(kept, 10, 64);
    shoal_cache_free(cache);
}

static void keeps_an_answer_alive_while_it_is_sent(void **state)
{
    (void)state;
    struct shoal_cache *cache = shoal_cache_new(1u << 20);
    struct shoal_item *item;
    struct shoal_ticket *ticket;
    put(cache, "a", "text");
    assert_int_equal(find(cache, "a", 1, 0, &item, &ticket), SHOAL_LOOKUP_HIT);
    shoal_cache_free(cache);
    assert_string_equal(item->body, "text");
    shoal_item_unref(item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put_until_it_is_old),
        cmocka_unit_test(forgets_when_the_epoch_moves),
        cmocka_unit_test(gives_one_ticket_a_key),
        cmocka_unit_test(notes_what_cannot_be_shared),
        cmocka_unit_test(stays_within_its_bytes),
        cmocka_unit_test(keeps_an_answer_alive_while_it_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
