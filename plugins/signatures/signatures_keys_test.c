// signatures_keys_test.c - times, keys, where they came from, and what is signed with them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <testkit.h>

#include "signatures.h"

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

SHOAL_SQL(test_sealed, "SELECT rsa_sealed, ed25519_sealed FROM signatures_key WHERE actor_id = $1");

static struct shoal_kit *kit;
static struct shoal_call *call;

static int setup(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit = shoal_kit_new("url = \"https://here.example\"\n");
    int code = shoal_kit_load(
        kit, &shoal_plugin_descriptor, SHOAL_SOURCE_DIR "/plugins/signatures", NULL, &err);
    if (code != 0) {
        fprintf(stderr, "%s\n", err.text);
    }
    call = shoal_kit_system(kit);
    shoal_enter(call, &(struct shoal_service){.plugin = "signatures"});
    return code;
}

static int teardown(void **state)
{
    (void)state;
    shoal_leave(call);
    shoal_kit_free(kit);
    return 0;
}

static void dates_are_read_exactly(void **state)
{
    (void)state;
    int64_t seconds = 0;
    assert_true(sig_date_parse("Sun, 06 Nov 1994 08:49:37 GMT", &seconds));
    assert_int_equal(seconds, 784111777);
    assert_true(sig_date_parse("Thu, 29 Feb 2024 23:59:60 GMT", &seconds));
    static const char *const none[] = {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1960 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov -994 08:49:37 GMT"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        if (sig_date_parse(none[i], &seconds)) {
            fail_msg("\"%s\" was read", none[i]);
        }
    }
    int64_t now = shoal_now_ms() / 1000;
    assert_true(sig_is_timely(now) && sig_is_timely(now - 1790) && sig_is_timely(now + 110));
    assert_false(sig_is_timely(now - 1810) || sig_is_timely(now + 130));
}

static void self(struct shoal_actor *actor)
{
    struct shoal_err err = {0};
    assert_int_equal(shoal_actor_named(call, "peertube", "", actor, &err), 0);
    assert_string_equal(actor->kind, "Application");
}

static void a_key_is_sealed_where_it_lies(void **state)
{
    (void)state;
    struct shoal_actor actor;
    struct sig_key key;
    struct shoal_err err = {0};
    self(&actor);
    assert_int_equal(sig_key_get(call, &actor, &key, &err), 0);
    assert_string_equal(key.id, "https://here.example/accounts/peertube#main-key");
    assert_int_equal(strlen(key.ed25519_multibase), 48);
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &test_sealed, SHOAL_ARGS(SHOAL_I64(actor.id)), &err);
    assert_true(shoal_rows_next(rows));
    unsigned char *der = NULL;
    int der_bytes = i2d_PrivateKey(key.rsa, &der);
    for (int column = 0; column < 2; column++) {
        size_t length = 0;
        const void *bytes = shoal_col_bytes(rows, column, &length);
        assert_true(length > 100);
        // Nothing of the key, and no outer form of one, can be seen.
        assert_null(memmem(bytes, length, der + 40, 16));
        assert_null(memmem(bytes, length, "PRIVATE", 7));
    }
    assert_true(der_bytes > 1000);
    OPENSSL_free(der);
    assert_int_equal(shoal_rows_close(rows, &err), 0);
}

static void a_key_is_the_same_after_a_restart_and_new_when_the_secret_is_lost(void **state)
{
    (void)state;
    struct shoal_actor actor;
    struct sig_key key, again, renewed;
    struct shoal_err err = {0};
    char path[4200];
    self(&actor);
    assert_int_equal(sig_key_get(call, &actor, &key, &err), 0);
    sig_keys_forget();
    assert_int_equal(sig_key_get(call, &actor, &again, &err), 0);
    assert_string_equal(again.public_pem, key.public_pem);
    assert_int_equal(EVP_PKEY_eq(again.rsa, key.rsa), 1);
    sig_keys_forget();
    snprintf(path, sizeof path, "%s/secret.key", shoal_kit_folder(kit));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sig_key_get(call, &actor, &renewed, &err), 0);
    assert_string_not_equal(renewed.public_pem, key.public_pem);
    EVP_PKEY *public = sig_public_key(renewed.public_pem, strlen(renewed.public_pem) - 1);
    assert_int_equal(EVP_PKEY_eq(public, renewed.rsa), 1);
    EVP_PKEY_free(public);
}

static void an_actor_that_is_gone_signs_with_the_key_that_it_had(void **state)
{
    (void)state;
    struct shoal_actor actor = {.id = 987654, .kind = "Person", .host = "", .url = "https://here.example/accounts/gone"};
    struct sig_key key, again;
    const char *url = NULL;
    struct shoal_err err = {0};
    assert_int_equal(sig_key_of(call, actor.id, &key, &url, &err), SHOAL_ENOTFOUND);
    assert_int_equal(sig_key_get(call, &actor, &key, &err), 0);
    sig_keys_forget();
    assert_int_equal(sig_key_of(call, actor.id, &again, &url, &err), 0);
    assert_string_equal(url, actor.url);
    assert_string_equal(again.public_pem, key.public_pem);
    int64_t ids[2] = {0};
    assert_int_equal(sig_keyed(call, actor.id - 1, ids, 2, &err), 1);
    assert_int_equal(ids[0], actor.id);
    assert_int_equal(sig_keyed(call, actor.id, ids, 2, &err), 0);
    actor.host = "there.example";
    assert_int_equal(sig_key_get(call, &actor, &key, &err), SHOAL_EINVAL);
}

static void a_signature_fits_its_own_text_and_key(void **state)
{
    (void)state;
    struct shoal_actor actor, other = {.id = 55, .kind = "Person", .host = "", .url = "https://here.example/accounts/b"};
    struct sig_key key, second;
    struct shoal_err err = {0};
    self(&actor);
    assert_int_equal(sig_key_get(call, &actor, &key, &err), 0);
    assert_int_equal(sig_key_get(call, &other, &second, &err), 0);
    const char *signature = sig_rsa_sign(call, key.rsa, "some text", 9);
    EVP_PKEY *public = sig_public_key(key.public_pem, strlen(key.public_pem) - 1);
    assert_true(sig_signature_fits(public, "some text", 9, signature));
    assert_false(sig_signature_fits(public, "some texT", 9, signature));
    assert_false(sig_signature_fits(public, "some text", 8, signature));
    assert_false(sig_signature_fits(second.rsa, "some text", 9, signature));
    assert_false(sig_signature_fits(public, "some text", 9, ""));
    assert_false(sig_signature_fits(public, "some text", 9, "AAAA"));
    assert_false(sig_signature_fits(public, "some text", 9, "no base64!"));
    EVP_PKEY_free(public);
    assert_string_equal(sig_digest(call, "", 0), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

static void signed_headers_are_of_their_request(void **state)
{
    (void)state;
    struct shoal_actor actor;
    struct shoal_err err = {0};
    self(&actor);
    const char *const *get = sig_sign(call, actor.id, "GET", "https://A.example:443/x?y=1#z", NULL, 0, &err);
    assert_string_equal(get[0], "Host: a.example");
    assert_non_null(strstr(get[2], "headers=\"(request-target) host date\","));
    assert_null(get[3]);
    const char *const *post = sig_sign(call, actor.id, "POST", "https://a.example", "{}", 2, &err);
    assert_non_null(strstr(post[2], "headers=\"(request-target) host date digest\","));
    assert_string_equal(post[3], "Digest: SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
    sig_modern_set(call, "a.example", true);
    post = sig_sign(call, actor.id, "POST", "https://a.example/inbox", "{}", 2, &err);
    assert_ptr_equal(strstr(post[2], "Signature-Input: sig1=(\"@method\" \"@target-uri\" \"@authority\" \"content-digest\");"), post[2]);
    assert_string_equal(post[4], "Content-Digest: sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:");
    sig_modern_set(call, "a.example", false);
    assert_false(sig_is_modern(call, "a.example"));
    assert_null(sig_sign(call, actor.id, "GET", "ftp://a.example/", NULL, 0, &err));
    assert_int_equal(err.code, SHOAL_EINVAL);
}

static void a_refusal_names_the_way_that_was_refused(void **state)
{
    (void)state;
    static const char url[] = "https://picky.example/inbox", host[] = "picky.example";
    static const struct {
        bool was_modern, asks, is_worth_it, is_modern;
    } steps[] = {{false, false, false, false}, // it may be refused for another reason
        {false, true, true, true}, {false, true, true, true}, {false, false, true, true}, // all under way together
        {true, true, true, false}, {true, false, true, false}, {false, false, false, false}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        bool is_worth_it = sig_sign_refused(call, url, steps[i].was_modern, steps[i].asks);
        if (is_worth_it != steps[i].is_worth_it || sig_is_modern(call, host) != steps[i].is_modern) {
            fail_msg("step %zu ended otherwise", i);
        }
    }
    assert_false(sig_sign_refused(call, "nothing", true, true));
}

static void a_document_is_signed_if_its_shape_is_known(void **state)
{
    (void)state;
    struct shoal_actor actor;
    struct shoal_err err = {0};
    self(&actor);
    json_t *removal = json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "type", "Delete", "id",
        "https://here.example/x/delete", "actor", actor.url, "object", "https://here.example/x", "to", "https://www.w3.org/ns/activitystreams#Public");
    assert_int_equal(sig_sign_document(call, actor.id, removal, &err), 0);
    assert_string_equal(shoal_text(removal, "signature.type", ""), "RsaSignature2017");
    assert_string_equal(shoal_text(removal, "signature.creator", ""), actor.url);
    json_object_set_new(removal, "unheard", json_string("x"));
    assert_int_equal(sig_sign_document(call, actor.id, removal, &err), SHOAL_EUNSUPPORTED);
    assert_null(json_object_get(removal, "signature"));
    json_decref(removal);
}

// The private parts of new keys, as whoever gives them up has them.
static void left_make(struct shoal_key_left *left, int64_t actor_id, const char *url)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    unsigned char public[32], *secret = shoal_arena_alloc(arena, 64), *der = NULL;
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    PEM_write_bio_PUBKEY(bio, rsa);
    long length = BIO_get_mem_data(bio, &pem);
    crypto_sign_keypair(public, secret);
    *left = (struct shoal_key_left){.size = sizeof *left,
        .actor_id = actor_id,
        .actor_url = url,
        .public_pem = shoal_arena_strndup(arena, pem, (size_t)length),
        .ed25519_multibase = sig_multibase(arena, public),
        .ed25519 = secret,
        .ed25519_bytes = 64};
    left->rsa_bytes = (size_t)i2d_PrivateKey(rsa, &der);
    left->rsa = shoal_arena_try_copy(arena, der, left->rsa_bytes);
    OPENSSL_free(der);
    BIO_free(bio);
    EVP_PKEY_free(rsa);
}

static void a_key_that_is_handed_over_stays_the_actors(void **state)
{
    (void)state;
    struct shoal_actor actor = {.id = 4711, .kind = "Person", .host = "", .url = "https://here.example/accounts/moved"};
    struct shoal_actor other = {.id = 4712, .kind = "Person", .host = "", .url = "https://here.example/accounts/other"};
    struct sig_key found, own;
    struct shoal_key_left left, second;
    struct shoal_err err = {0};
    left_make(&left, actor.id, actor.url);
    left_make(&second, other.id, other.url);
    // Its parts have to belong together.
    struct shoal_key_left wrong = left;
    wrong.public_pem = second.public_pem;
    assert_int_equal(sig_key_take(call, &wrong, &err), SHOAL_EINVAL);
    wrong = left;
    wrong.ed25519 = second.ed25519;
    assert_int_equal(sig_key_take(call, &wrong, &err), SHOAL_EINVAL);
    wrong = left;
    wrong.rsa_bytes--;
    assert_int_equal(sig_key_take(call, &wrong, &err), SHOAL_EINVAL);
    assert_int_equal(sig_key_take(call, &left, &err), 0);
    assert_int_equal(sig_key_get(call, &actor, &found, &err), 0);
    assert_string_equal(found.public_pem, left.public_pem);
    assert_string_equal(found.ed25519_multibase, left.ed25519_multibase);
    const char *signature = sig_rsa_sign(call, found.rsa, "some text", 9);
    EVP_PKEY *public = sig_public_key(left.public_pem, strlen(left.public_pem) - 1);
    assert_true(sig_signature_fits(public, "some text", 9, signature));
    EVP_PKEY_free(public);
    // Who has one already keeps it.
    assert_int_equal(sig_key_get(call, &other, &own, &err), 0);
    assert_int_equal(sig_key_take(call, &second, &err), 0);
    sig_keys_forget();
    assert_int_equal(sig_key_get(call, &other, &found, &err), 0);
    assert_string_equal(found.public_pem, own.public_pem);
}

static int asked;
static struct shoal_key_left kept;

static int left(struct shoal_call *running, int64_t actor_id, void *arg, struct shoal_err *err)
{
    (void)arg;
    asked++;
    assert_int_equal(actor_id, 4720);
    return kept.rsa == NULL ? shoal_fail(err, SHOAL_EBUSY, "not now")
                            : sig_key_take(running, &kept, err);
}

static void no_key_is_made_before_the_keeper_was_asked(void **state)
{
    (void)state;
    static const struct shoal_key_keeper keeper = {
        .size = sizeof keeper, .plugin = "signatures", .left = left};
    struct shoal_actor actor = {.id = 4720, .kind = "Person", .host = "", .url = "https://here.example/accounts/kept"};
    struct sig_key found;
    struct shoal_err err = {0};
    sig_keys_forget();
    assert_int_equal(sig_keeper_set(&keeper, &err), 0);
    assert_int_equal(sig_keeper_set(&keeper, &err), SHOAL_ECONFLICT);
    assert_int_equal(sig_key_get(call, &actor, &found, &err), SHOAL_EBUSY);
    assert_int_equal(asked, 1);
    left_make(&kept, actor.id, actor.url); // it has one of before, and gives it
    assert_int_equal(sig_key_get(call, &actor, &found, &err), 0);
    assert_int_equal(asked, 2);
    assert_string_equal(found.public_pem, kept.public_pem);
    assert_string_equal(found.ed25519_multibase, kept.ed25519_multibase);
    sig_keys_forget();
    assert_int_equal(sig_key_get(call, &actor, &found, &err), 0);
    assert_string_equal(found.public_pem, kept.public_pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read_exactly),
        cmocka_unit_test(a_key_is_sealed_where_it_lies),
        cmocka_unit_test(an_actor_that_is_gone_signs_with_the_key_that_it_had),
        cmocka_unit_test(a_signature_fits_its_own_text_and_key),
        cmocka_unit_test(signed_headers_are_of_their_request),
        cmocka_unit_test(a_refusal_names_the_way_that_was_refused),
        cmocka_unit_test(a_document_is_signed_if_its_shape_is_known),
        cmocka_unit_test(a_key_that_is_handed_over_stays_the_actors),
        cmocka_unit_test(no_key_is_made_before_the_keeper_was_asked),
        cmocka_unit_test(a_key_is_the_same_after_a_restart_and_new_when_the_secret_is_lost),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
