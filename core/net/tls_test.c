// tls_test.c - certificates: bad pairs, changed files, and what a handshake may choose.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"
#include "net/tls_priv.h"

#include "base/log.h"

static char cert[128], key[128];

static int set_up(void **state)
{
    (void)state;
    shoal_log_set_level(SHOAL_LOG_ERROR);
    snprintf(world.folder, sizeof world.folder, "/tmp/shoal-tls-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    make_certificate("first");
    path_of(cert, "cert.pem");
    path_of(key, "key.pem");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return shoal_tree_remove(world.folder, NULL);
}

/// Shakes hands over a socket pair. Returns: whether it came to an end, with the certificate's
/// name.
static bool shake(
    struct shoal_tls *tls, int version, const char *alpn, char name[64], char chosen[32])
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_security_level(context, 0);
    SSL *client = SSL_new(context), *server = shoal_tls_accept(tls, ends[0]);
    assert_non_null(server);
    SSL_set_fd(client, ends[1]);
    if (alpn) {
        SSL_set_alpn_protos(client, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    }
    int asked = 0, given = 0;
    for (int i = 0; i < 20 && (asked != 1 || given != 1); i++) {
        asked = asked == 1 ? 1 : SSL_connect(client);
        given = given == 1 ? 1 : SSL_do_handshake(server);
    }
    bool is_done = asked == 1 && given == 1;
    name[0] = chosen[0] = 0;
    if (is_done) {
        const unsigned char *protocol;
        unsigned length;
        X509 *peer = SSL_get1_peer_certificate(client);
        X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name, 64);
        X509_free(peer);
        SSL_get0_alpn_selected(client, &protocol, &length);
        snprintf(chosen, 32, "%.*s", (int)length, protocol ? (const char *)protocol : "");
    }
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(context);
    close(ends[0]);
    close(ends[1]);
    return is_done;
}

static void refuses_pairs_that_are_none(void **state)
{
    (void)state;
    char other[128], text[128];
    struct shoal_err err = {0};
    path_of(other, "other-key.pem");
    assert_int_equal(rename(key, other), 0);
    make_certificate("second"); // its key does not fit the first, which is gone
    path_of(text, "text");
    assert_int_equal(shoal_file_write_whole(text, "no PEM", 6, 0600, NULL), 0);
    const struct {
        const char *cert, *key, *said;
    } rows[] = {
        {"/nowhere/cert.pem", key, "/nowhere/cert.pem"},
        {text, key, "certificate"},
        {cert, "/nowhere/key.pem", "/nowhere/key.pem"},
        {cert, text, "key"},
        {cert, other, "key"},
        {key, cert, "certificate"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_null(shoal_tls_new(rows[i].cert, rows[i].key, &err));
        assert_int_equal(err.code, SHOAL_EINVAL);
        assert_non_null(strstr(err.text, rows[i].said));
    }
    shoal_tls_free(NULL);
}

static void chooses_what_it_speaks(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *alpn;
        bool is_done;
        const char *chosen;
    } rows[] = {
        {TLS1_3_VERSION, NULL, true, ""},
        {TLS1_3_VERSION, "\x02h2\x08http/1.1", true, "http/1.1"},
        {TLS1_3_VERSION, "\x02h2", false, ""},
        {TLS1_2_VERSION, "\x08http/1.1", true, "http/1.1"},
        {TLS1_1_VERSION, NULL, false, ""},
    };
    struct shoal_tls *tls = shoal_tls_new(cert, key, NULL);
    assert_non_null(tls);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[64], chosen[32];
        assert_int_equal(shake(tls, rows[i].version, rows[i].alpn, name, chosen), rows[i].is_done);
        assert_string_equal(chosen, rows[i].chosen);
        assert_string_equal(name, rows[i].is_done ? "first" : "");
    }
    shoal_tls_free(tls);
}

static void check_name(struct shoal_tls *tls, const char *expected)
{
    char name[64], chosen[32];
    assert_true(shake(tls, TLS1_3_VERSION, NULL, name, chosen));
    assert_string_equal(name, expected);
}

static void takes_changed_files_up_once_they_are_a_pair(void **state)
{
    (void)state;
    char kept[128];
    path_of(kept, "kept.pem");
    struct shoal_tls *tls = shoal_tls_new(cert, key, NULL);
    shoal_tls_check(tls);
    check_name(tls, "first");
    assert_int_equal(rename(key, kept), 0);
    make_certificate("second");
    char own[128];
    path_of(own, "own.pem");
    assert_int_equal(rename(key, own), 0);
    assert_int_equal(rename(kept, key), 0); // the certificate is new, its key the old one
    shoal_tls_check(tls);
    check_name(tls, "first");
    assert_int_equal(unlink(key), 0);
    shoal_tls_check(tls);
    check_name(tls, "first");
    assert_int_equal(rename(own, key), 0);
    shoal_tls_check(tls);
    check_name(tls, "second");
    shoal_tls_free(tls);
}

static void a_connection_keeps_the_certificate_that_it_began_with(void **state)
{
    (void)state;
    struct shoal_tls *tls = shoal_tls_new(cert, key, NULL);
    SSL *begun = shoal_tls_accept(tls, 0);
    assert_int_equal(unlink(cert), 0);
    make_certificate("second");
    shoal_tls_check(tls);
    check_name(tls, "second");
    char name[64];
    X509_NAME_get_text_by_NID(
        X509_get_subject_name(SSL_get_certificate(begun)), NID_commonName, name, sizeof name);
    assert_string_equal(name, "first");
    shoal_tls_free(tls);
    SSL_free(begun);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses_pairs_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chooses_what_it_speaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            takes_changed_files_up_once_they_are_a_pair, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_connection_keeps_the_certificate_that_it_began_with, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
