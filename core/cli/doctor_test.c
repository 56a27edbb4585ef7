// doctor_test.c - findings are counted and shown, and certificates are read.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <shoal/json.h>

#include "base/file.h"
#include "cli/doctor.h"
#include "cli/output_test.h"

static char folder[] = "/tmp/shoal_doctor_XXXXXX";
static char path[64];

static void findings_are_kept_and_the_bad_ones_counted(void **unused)
{
    (void)unused;
    struct shoal_doctor doctor = {.findings = json_array()};
    shoal_doctor_say(&doctor, SHOAL_FINDING_FINE, "disk", NULL, "%d GB are free", 7);
    shoal_doctor_say(&doctor, SHOAL_FINDING_NOTE, "url", "set it", "there is none");
    shoal_doctor_say(&doctor, SHOAL_FINDING_BAD, "port", "look", "it is taken");
    static const char *const levels[] = {"fine", "note", "bad"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(shoal_text(json_array_get(doctor.findings, i), "level", ""), levels[i]);
    }
    assert_string_equal(shoal_text(doctor.findings, "0.text", ""), "7 GB are free");
    assert_string_equal(shoal_text(doctor.findings, "1.do", ""), "set it");
    assert_null(json_object_get(json_array_get(doctor.findings, 0), "do"));
    assert_int_equal(doctor.bad, 1);
    json_decref(doctor.findings);
}

static void a_text_that_is_not_utf8_is_still_a_finding(void **unused)
{
    (void)unused;
    struct shoal_doctor doctor = {.findings = json_array()};
    shoal_doctor_say(&doctor, SHOAL_FINDING_BAD, "folder", "rename it", "%s", "/srv/\xff\xfe");
    assert_int_equal(json_array_size(doctor.findings), 1);
    assert_string_equal(shoal_text(doctor.findings, "0.level", ""), "bad");
    assert_string_equal(shoal_text(doctor.findings, "0.do", ""), "rename it");
    assert_int_equal(doctor.bad, 1);
    json_decref(doctor.findings);
}

/// A certificate that ends so many days from now.
static void certificate_write(int days)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), -100 * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86400L + 3600);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    FILE *file = fopen(path, "w");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void the_days_of_a_certificate_are_counted(void **unused)
{
    (void)unused;
    static const int days[] = {90, 1, 0};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        int left = -99;
        certificate_write(days[i]);
        assert_int_equal(shoal_doctor_certificate(path, &left, NULL), 0);
        assert_int_equal(left, days[i]);
    }
    int left = 99;
    certificate_write(-10);
    assert_int_equal(shoal_doctor_certificate(path, &left, NULL), 0);
    assert_true(left < 0);
}

static void what_is_no_certificate_is_named(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    int days = 0;
    assert_int_equal(
        shoal_doctor_certificate("/nowhere/at/all.pem", &days, &err), SHOAL_EUNREADABLE);
    assert_non_null(strstr(err.text, "/nowhere/at/all.pem"));
    assert_int_equal(shoal_file_write_whole(path, "rubbish", 7, 0600, NULL), 0);
    assert_int_equal(shoal_doctor_certificate(path, &days, &err), SHOAL_EUNREADABLE);
    static const char cut[] = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    assert_int_equal(shoal_file_write_whole(path, cut, sizeof cut - 1, 0600, NULL), 0);
    assert_int_equal(shoal_doctor_certificate(path, &days, &err), SHOAL_EUNREADABLE);
}

static void a_folder_that_is_no_instance_is_a_finding(void **unused)
{
    (void)unused;
    static struct output output;
    assert_int_equal(OUTPUT_RUN(&output, "doctor", folder), SHOAL_EXIT_FINDINGS);
    assert_non_null(strstr(output.out, "BAD  instance"));
    assert_non_null(strstr(output.out, "1 thing to look at."));
    assert_int_equal(OUTPUT_RUN(&output, "doctor", folder, "--json"), SHOAL_EXIT_FINDINGS);
    json_t *shown = json_loads(output.out, 0, NULL);
    assert_int_equal(shoal_integer(shown, "bad", 0), 1);
    assert_string_equal(shoal_text(shown, "findings.0.about", ""), "instance");
    json_decref(shown);
}

static int setup(void **unused)
{
    (void)unused;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/tls.pem", folder);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_kept_and_the_bad_ones_counted),
        cmocka_unit_test(a_text_that_is_not_utf8_is_still_a_finding),
        cmocka_unit_test(the_days_of_a_certificate_are_counted),
        cmocka_unit_test(what_is_no_certificate_is_named),
        cmocka_unit_test(a_folder_that_is_no_instance_is_a_finding),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
