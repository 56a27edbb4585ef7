// body_test.c - bodies as JSON: by their type, once, and what is refused.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/request_test.h"

#include "net/body_priv.h"

/// Reads a body of this type (NULL: none said). Returns: compact JSON to free, or NULL with err.
static char *read_body(const char *type, const char *body, struct shoal_err *err)
{
    char headers[300] = "";
    if (type) {
        snprintf(headers, sizeof headers, "Content-Type: %s\r\n", type);
    }
    struct shoal_request *request = make_request("POST / HTTP/1.1", headers);
    shoal_buf_puts(&request->body, body);
    json_t *json = shoal_request_body(request, err);
    assert_ptr_equal(shoal_request_body(request, err), json); // read once, then remembered
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    shoal_request_free(request);
    return text;
}

#define FORM "multipart/form-data; boundary=b"
#define PART(name, value)                                                                          \
    "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

static void reads_a_body_by_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *json; // NULL: refused
        int code;
    } rows[] = {
        {NULL, "", "{}", 0},
        {"text/plain", "", "{}", 0}, // nothing is nothing, whatever it is called
        {NULL, "{\"a\":1}", "{\"a\":1}", 0},
        {"application/json", "[1]", "[1]", 0},
        {"application/json; charset=utf-8", "{\"a\":1}", "{\"a\":1}", 0},
        {"APPLICATION/JSON", "{}", "{}", 0},
        {"application/activity+json", "{}", "{}", 0},
        {"application/ld+json; profile=\"x\"", "{}", "{}", 0},
        {"application/json", "{", NULL, SHOAL_EINVAL},
        {"application/json", "{} x", NULL, SHOAL_EINVAL},
        {"+json", "{}", NULL, SHOAL_ETYPE},
        {"application/jsonx", "{}", NULL, SHOAL_ETYPE},
        {"text/plain", "{}", NULL, SHOAL_ETYPE},
        {"application/x-www-form-urlencoded", "a=1&b%5B%5D=x+y&b[]=%26",
            "{\"a\":\"1\",\"b\":[\"x y\",\"&\"]}", 0},
        {"application/x-www-form-urlencoded;charset=utf-8", "a=null", "{\"a\":\"null\"}", 0},
        {"application/x-www-form-urlencoded", "a=%zz", NULL, SHOAL_EINVAL},
        {"application/x-www-form-urlencoded", "a=1&a[b]=2", NULL, SHOAL_EINVAL},
        {FORM, PART("a", "1") PART("n[k]", "null") "--b--\r\n", "{\"a\":\"1\",\"n\":{\"k\":null}}",
            0},
        {FORM, PART("a", "1"), NULL, SHOAL_EINVAL}, // it broke off
        {"multipart/form-data", PART("a", "1") "--b--\r\n", NULL, SHOAL_EINVAL},
        {FORM,
            "--b\r\nContent-Disposition: form-data; name=\"f\"; "
            "filename=\"x\"\r\n\r\nx\r\n--b--\r\n",
            NULL, SHOAL_ETYPE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_err err = {0};
        char *text = read_body(rows[i].type, rows[i].body, &err);
        if (rows[i].json) {
            assert_non_null(text);
            assert_string_equal(text, rows[i].json);
        } else {
            assert_null(text);
        }
        assert_int_equal(err.code, rows[i].code);
        free(text);
    }
}

static void names_the_type_that_is_not_understood(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_null(read_body("image/png", "x", &err));
    assert_non_null(strstr(err.text, "image/png"));
}

static void a_form_has_so_many_fields(void **state)
{
    (void)state;
    struct shoal_buf body = {0};
    for (int i = 0; i < SHOAL_FORM_MAX; i++) {
        shoal_buf_printf(&body, "%sa%d=", i ? "&" : "", i);
    }
    struct shoal_err err = {0};
    char *text = read_body("application/x-www-form-urlencoded", body.data, &err);
    assert_non_null(text);
    free(text);
    shoal_buf_puts(&body, "&one=more");
    assert_null(read_body("application/x-www-form-urlencoded", body.data, &err));
    assert_int_equal(err.code, SHOAL_EINVAL);
    shoal_buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_body_by_its_type),
        cmocka_unit_test(names_the_type_that_is_not_understood),
        cmocka_unit_test(a_form_has_so_many_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
