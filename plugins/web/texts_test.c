// texts_test.c - texts with arguments, plural forms, numbers, sizes, dates.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "plurals.h"
#include "texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define NOW_MS 1795435200000 // 2026-11-23T12:00:00Z

static json_t *read_json(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_t *json = json_loads(copy, 0, NULL);
    assert_non_null(json);
    free(copy);
    return json;
}

static void check(const char *locale, const char *tree, const char *template, const char *data,
    const char *expected)
{
    json_t *texts_json = read_json(tree);
    json_t *data_json = read_json(data);
    struct texts *texts = texts_new(locale, texts_json);
    struct texts_view view = {.texts = texts, .now_ms = NOW_MS};
    const struct mustache_options options = {.self = &view, .call = texts_call};
    struct mustache_error error = {0};
    struct mustache *parsed = mustache_parse("page", template, strlen(template), &error);
    if (parsed == NULL) {
        fail_msg("%s", error.text);
    }
    struct mustache_buffer out = {0};
    if (mustache_render(parsed, data_json, &options, &out, &error) != 0) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(out.data != NULL ? out.data : "", expected);
    mustache_buffer_fini(&out);
    mustache_free(parsed);
    texts_free(texts);
    json_decref(texts_json);
    json_decref(data_json);
}

static const char *const english =
    "{'hello':'Hello {name}','a':{'b':'deep'},'state':{'2':'busy'},'odd':'{x} {name','amp':'a & b',"
    "'views':{'0':'none yet','one':'{count} view','other':'{shown} views'},"
    "'ago':{'now':'just now','minutes':{'one':'a minute','other':'{count} minutes'},"
    "'hours':{'other':'{count} h'},'days':{'one':'yesterday','other':'{count} days'},"
    "'weeks':{'other':'{count} weeks'},'months':{'other':'{count} months'},"
    "'years':{'other':'{count} years'}},"
    "'in':{'now':'now','minutes':{'one':'in a minute','other':'in {count} min'},"
    "'hours':{'other':'in {count} h'},'days':{'one':'tomorrow','other':'in {count} days'}}}";

static void texts_take_arguments(void **state)
{
    (void)state;
    check("en", english, "{{t:hello name=n}}", "{'n':'<Ann>'}", "Hello &lt;Ann&gt;");
    check("en", english, "{{t:hello name='you'}}", "{}", "Hello you");
    check("en", english, "{{t:hello name=n}}", "{'n':12345}", "Hello 12,345");
    check("en", english, "{{t:hello}}", "{}", "Hello {name}");
    check("en", english, "{{t:odd x=x name=x}}", "{'x':'1'}", "1 {name");
    check("en", english, "{{t:a.b}} {{t:a}} {{t:no.such}}", "{}", "deep a no.such");
    check("en", english, "{{t:state s}} {{t:state z else=l}}", "{'s':2,'z':9,'l':'Late'}",
        "busy Late");
    check("en", english, "{{t:amp}} {{{t:amp}}}", "{}", "a &amp; b a & b");
}

static void texts_have_plural_forms(void **state)
{
    (void)state;
    const char *views = "{{t:views count=n shown=short:n}}";
    check("en", english, views, "{'n':0}", "none yet");
    check("en", english, views, "{'n':1}", "1 view");
    check("en", english, views, "{'n':1234}", "1.2K views");
    const char *french = "{'v':{'one':'{count} vue','other':'{count} vues'}}";
    check("fr", french, "{{t:v count=n}}", "{'n':0}", "0 vue");
    check("fr", french, "{{t:v count=n}}", "{'n':2}", "2 vues");
    check("fr", french, "{{t:v count=n}}", "{'n':1000000}", "1,000,000 vues");
}

static void numbers_follow_the_locale(void **state)
{
    (void)state;
    const char *french = "{'format':{'group':'_','decimal':',','short':['','k','M','Md'],"
                         "'bytes':['o','ko','Mo','Go','To'],'date':'{day} {month} {year}',"
                         "'months':['janvier','février','mars','avril','mai','juin','juillet',"
                         "'août','septembre','octobre','novembre','décembre']}}";
    check("en", "{}", "{{number:n}}", "{'n':1234567}", "1,234,567");
    check("fr", french, "{{number:n}}", "{'n':-1234}", "-1_234");
    check("en", "{}", "{{number:n}} {{number:gone}}", "{'n':999}", "999 0");
    check("en", "{}", "{{short:a}} {{short:b}} {{short:c}} {{short:d}}",
        "{'a':999,'b':1000,'c':12345,'d':1260000000}", "999 1.0K 12K 1.3B");
    check("fr", french, "{{short:a}}", "{'a':1234}", "1,2k");
    check("en", "{}", "{{bytes:a}} {{bytes:b}} {{bytes:c}}",
        "{'a':0,'b':3412345,'c':99999999999999999}", "0 B 3.4 MB 100,000 TB");
    check("fr", french, "{{bytes:a}}", "{'a':'2500'}", "2,5ko");
    check("fr", french, "{{date:d}}", "{'d':'2026-08-03T10:00:00.000Z'}", "3 août 2026");
    check("en", "{}", "{{date:d}}|{{date:e}}|{{date:f}}",
        "{'d':'2026-11-23','e':'soon','f':'2026-13-01'}", "November 23, 2026||");
}

static void durations_are_short(void **state)
{
    (void)state;
    check("en", "{}", "{{duration:a}} {{duration:b}} {{duration:c}} {{duration:d}}",
        "{'a':0,'b':62,'c':3723.9,'d':-5}", "0:00 1:02 1:02:03 0:00");
    check("en", "{}", "{{period:a}}", "{'a':62}", "PT62S");
}

static void times_are_told_from_now(void **state)
{
    (void)state;
    static const struct {
        const char *time;
        const char *expected;
    } rows[] = {{"2026-11-23T11:59:30.000Z", "just now"}, {"2026-11-23T11:58:59.000Z", "a minute"},
        {"2026-11-23T11:15:00.000Z", "45 minutes"}, {"2026-11-23T02:00:00.000Z", "10 h"},
        {"2026-11-22T11:00:00.000Z", "yesterday"}, {"2026-11-18T11:00:00.000Z", "5 days"},
        {"2026-11-01T11:00:00.000Z", "3 weeks"}, {"2026-02-23T11:00:00.000Z", "9 months"},
        {"2020-02-29T11:00:00.000Z", "6 years"}, {"2026-12-24T00:00:00.000Z", "December 24, 2026"},
        {"2026-11-23T12:00:20.000Z", "just now"}, {"", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *data = json_pack("{s:s}", "at", rows[i].time);
        char *text = json_dumps(data, 0);
        check("en", english, "{{ago:at}}", text, rows[i].expected);
        free(text);
        json_decref(data);
    }
}

static void times_to_come_are_told_from_now(void **state)
{
    (void)state;
    static const struct {
        const char *time;
        const char *expected;
    } rows[] = {{"2026-11-23T12:00:59.000Z", "now"}, {"2026-11-23T12:01:00.000Z", "in a minute"},
        {"2026-11-23T12:45:30.000Z", "in 45 min"}, {"2026-11-23T15:59:00.000Z", "in 3 h"},
        {"2026-11-24T12:00:00.000Z", "tomorrow"}, {"2026-12-24T12:00:00.000Z", "in 31 days"},
        {"2026-11-20T12:00:00.000Z", "now"}, {"", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *data = json_pack("{s:s}", "at", rows[i].time);
        char *text = json_dumps(data, 0);
        check("en", english, "{{in:at}}", text, rows[i].expected);
        free(text);
        json_decref(data);
    }
}

static void json_is_safe_inside_a_script(void **state)
{
    (void)state;
    check("en", english, "{{{json:a}}}", "{'a':{'x':'</script>&\\u2028€'}}",
        "{\"x\":\"\\u003c/script\\u003e\\u0026\\u2028€\"}");
    check("en", english, "{{{json:gone}}} {{{json:n}}} {{{json:period:n}}}", "{'n':3}",
        "null 3 \"PT3S\"");
    check("en", english, "{{{texts:a}}} {{{texts:amp}}}", "{}", "{\"b\":\"deep\"} \"a \\u0026 b\"");
}

static void text_is_cut_and_encoded(void **state)
{
    (void)state;
    check("en", "{}", "{{excerpt:a 11}}|{{excerpt:a}}|{{excerpt:b}}",
        "{'a':' one\\n\\ntwo  été four '}", "one two été…|one two été four|");
    check("en", "{}", "?q={{url:a}}&n={{url:n}}", "{'a':'é & /?','n':12}",
        "?q=%C3%A9%20%26%20%2F%3F&n=12");
}

static void trees_are_merged(void **state)
{
    (void)state;
    json_t *base = read_json("{'a':{'x':'1','y':'2'},'b':'3','c':{'k':'v'}}");
    json_t *over = read_json("{'a':{'y':'9','z':{'n':'8'}},'c':'flat'}");
    texts_merge(base, over);
    json_t *expected = read_json("{'a':{'x':'1','y':'9','z':{'n':'8'}},'b':'3','c':'flat'}");
    assert_true(json_equal(base, expected));
    json_decref(base);
    json_decref(over);
    json_decref(expected);
    texts_free(NULL);
}

static void each_language_has_its_forms(void **state)
{
    (void)state;
    static const struct {
        const char *locale;
        double number;
        const char *form;
    } rows[] = {{"en", 1, "one"}, {"en", 0, "other"}, {"en", 1.5, "other"}, {"xx", 1, "one"},
        {"", 2, "other"}, {"fr", 0, "one"}, {"fr", 1.9, "one"}, {"fr", 2, "other"},
        {"fr-CA", 2e6, "many"}, {"pt", 0, "one"}, {"pt-PT", 0, "other"}, {"pt-PT", 1, "one"},
        {"es", 1, "one"}, {"es", 1e6, "many"}, {"it", 0, "other"}, {"ja", 1, "other"},
        {"zh-Hans", 1, "other"}, {"hi", 0.5, "one"}, {"fa", 2, "other"}, {"da", 0.2, "one"},
        {"da", 2, "other"}, {"is", 21, "one"}, {"is", 11, "other"}, {"ru", 1, "one"},
        {"ru", 22, "few"}, {"ru", 12, "many"}, {"uk", 111, "many"}, {"ru", 1.5, "other"},
        {"hr", 3, "few"}, {"hr", 5, "other"}, {"sr", 31, "one"}, {"pl", 1, "one"},
        {"pl", 21, "many"}, {"pl", 24, "few"}, {"pl", 0.5, "other"}, {"cs", 1, "one"},
        {"cs", 4, "few"}, {"sk", 5, "other"}, {"cs", 0.5, "many"}, {"sl", 101, "one"},
        {"sl", 2, "two"}, {"sl", 104, "few"}, {"sl", 5, "other"}, {"sl", 0.5, "few"},
        {"lt", 21, "one"}, {"lt", 22, "few"}, {"lt", 11, "other"}, {"lt", 0.5, "many"},
        {"lv", 10, "zero"}, {"lv", 21, "one"}, {"lv", 22, "other"}, {"ro", 1, "one"},
        {"ro", 0, "few"}, {"ro", 119, "few"}, {"ro", 20, "other"}, {"ar", 0, "zero"},
        {"ar", 1, "one"}, {"ar", 2, "two"}, {"ar", 5, "few"}, {"ar", 11, "many"},
        {"ar", 100, "other"}, {"ar", 0.5, "other"}, {"he", 1, "one"}, {"he", 2, "two"},
        {"he", 3, "other"}, {"ga", 1, "one"}, {"ga", 2, "two"}, {"ga", 6, "few"},
        {"ga", 10, "many"}, {"ga", 11, "other"}, {"cy", 0, "zero"}, {"cy", 1, "one"},
        {"cy", 2, "two"}, {"cy", 3, "few"}, {"cy", 4, "other"}, {"cy", 6, "many"},
        {"cy", 7, "other"}, {"gd", 11, "one"}, {"gd", 12, "two"}, {"gd", 19, "few"},
        {"gd", 20, "other"}, {"mt", 1, "one"}, {"mt", 2, "two"}, {"mt", 0, "few"},
        {"mt", 15, "many"}, {"mt", 20, "other"}, {"en", 1e300, "other"},
        {"a-very-long-language-tag", 1, "one"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *form = plural_category(rows[i].locale, rows[i].number);
        if (strcmp(form, rows[i].form) != 0) {
            fail_msg("%s %g: %s", rows[i].locale, rows[i].number, form);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_take_arguments),
        cmocka_unit_test(texts_have_plural_forms),
        cmocka_unit_test(numbers_follow_the_locale),
        cmocka_unit_test(durations_are_short),
        cmocka_unit_test(times_are_told_from_now),
        cmocka_unit_test(times_to_come_are_told_from_now),
        cmocka_unit_test(json_is_safe_inside_a_script),
        cmocka_unit_test(text_is_cut_and_encoded),
        cmocka_unit_test(trees_are_merged),
        cmocka_unit_test(each_language_has_its_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
