// mustache_test.c - templates: what the specification asks for, our additions, and the limits.
// SPDX-License-Identifier: MIT
#include "mustache.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PARTIALS_MAX 8

struct row {
    const char *template;
    const char *data; // JSON with ' for "
    const char *expected;
    const char *partials; // an object of names and texts, or NULL
};

struct shelf {
    json_t *texts;
    struct mustache *compiled[PARTIALS_MAX];
    size_t count;
};

static json_t *read_json(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_error_t error;
    json_t *json = json_loads(copy, JSON_DECODE_ANY, &error);
    if (json == NULL) {
        fail_msg("%s in %s", error.text, text);
    }
    free(copy);
    return json;
}

static const struct mustache *find_partial(void *self, const char *name)
{
    struct shelf *shelf = self;
    for (size_t i = 0; i < shelf->count; i++) {
        if (strcmp(mustache_name(shelf->compiled[i]), name) == 0) {
            return shelf->compiled[i];
        }
    }
    const char *text = json_string_value(json_object_get(shelf->texts, name));
    if (text == NULL) {
        return NULL;
    }
    struct mustache_error error;
    struct mustache *template = mustache_parse(name, text, strlen(text), &error);
    assert_non_null(template);
    assert_true(shelf->count < PARTIALS_MAX);
    shelf->compiled[shelf->count++] = template;
    return template;
}

// Answers {{say:…}} with its arguments, as they came.
static int say(void *self, const struct mustache_call *call, struct mustache_buffer *out)
{
    (void)self;
    if (strcmp(call->name, "broken") == 0) {
        return -1;
    }
    if (strcmp(call->name, "say") != 0) {
        return 1;
    }
    for (size_t i = 0; i < call->count; i++) {
        const struct mustache_arg *arg = &call->args[i];
        mustache_puts(out, "<");
        mustache_puts(out, arg->name != NULL ? arg->name : "-");
        mustache_puts(out, "|");
        mustache_puts(out, arg->word != NULL ? arg->word : "-");
        mustache_puts(out, "|");
        mustache_put_json(out, arg->value);
        mustache_puts(out, ">");
    }
    return 0;
}

static void check(const struct row *row)
{
    struct mustache_error error = {0};
    struct shelf shelf = {.texts = row->partials != NULL ? read_json(row->partials) : NULL};
    json_t *data = read_json(row->data);
    const struct mustache_options options = {.self = &shelf, .partial = find_partial, .call = say};
    struct mustache *template =
        mustache_parse("page", row->template, strlen(row->template), &error);
    if (template == NULL) {
        fail_msg("%s", error.text);
    }
    struct mustache_buffer out = {0};
    if (mustache_render(template, data, &options, &out, &error) != 0) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(out.data != NULL ? out.data : "", row->expected);
    mustache_buffer_fini(&out);
    mustache_free(template);
    for (size_t i = 0; i < shelf.count; i++) {
        mustache_free(shelf.compiled[i]);
    }
    json_decref(shelf.texts);
    json_decref(data);
}

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        static const struct row rows[] = {__VA_ARGS__};                                            \
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {                                  \
            check(&rows[i]);                                                                       \
        }                                                                                          \
    } while (0)

static void comments_leave_nothing(void **state)
{
    (void)state;
    CHECK({"tide{{! not shown }}pool", "{}", "tidepool"},
        {"a{{!\n two\n lines\n}}b\n", "{}", "ab\n"},
        {"one\n{{! alone on its line }}\ntwo\n", "{}", "one\ntwo\n"},
        {"one\n   {{! indented }}\t\ntwo\n", "{}", "one\ntwo\n"},
        {"one\r\n{{! line ends of the other kind }}\r\ntwo\r\n", "{}", "one\r\ntwo\r\n"},
        {"  {{! first line }}\nend", "{}", "end"}, {"start\n  {{! last line }}", "{}", "start\n"},
        {"one\n{{!\nmany lines\n}}\ntwo\n", "{}", "one\ntwo\n"},
        {"  12 {{! within a line }}\n", "{}", "  12 \n"});
}

static void variables_are_escaped(void **state)
{
    (void)state;
    CHECK({"plain text {stays} as it is", "{}", "plain text {stays} as it is"},
        {"{{fish}}", "{'fish':'a < b & \\\"c\\\" > d'}", "a &lt; b &amp; &quot;c&quot; &gt; d"},
        {"{{fish}}", "{'fish':'it\\u0027s'}", "it&#39;s"},
        {"{{{fish}}}|{{&fish}}|{{& fish }}", "{'fish':'<b>'}", "<b>|<b>|<b>"},
        {"{{n}} {{{n}}} {{r}} {{yes}}", "{'n':85,'r':1.21,'yes':true}", "85 85 1.21 true"},
        {"{{r}} {{s}} {{t}}", "{'r':0.1,'s':123456789.125,'t':-3.0}", "0.1 123456789.125 -3"},
        {"[{{gone}}][{{{gone}}}][{{null}}][{{list}}][{{map}}]",
            "{'null':null,'list':[1],'map':{'a':1}}", "[][][][][]"},
        {"| {{ spaced }} |\n{{{\tspaced }}}\n", "{'spaced':'x'}", "| x |\nx\n"},
        {"  {{x}}\n", "{'x':'stays indented'}", "  stays indented\n"},
        {"{{a}}", "{'a':'{{b}}','b':'no'}", "{{b}}"});
}

static void dotted_names_walk_down(void **state)
{
    (void)state;
    CHECK({"{{a.b.c}}", "{'a':{'b':{'c':'deep'}}}", "deep"},
        {"[{{a.b.c}}]", "{'a':{'b':{}}}", "[]"}, {"[{{a.b.c}}]", "{'a':null,'c':'x'}", "[]"},
        {"{{#a}}{{b.c}}{{/a}}", "{'a':{'b':{}},'b':{'c':'not this'}}", ""},
        {"{{#a}}{{b.c}}{{/a}}", "{'a':{'x':1},'b':{'c':'from around'}}", "from around"},
        {"{{a.1.b}} {{a.7.b}}", "{'a':[{'b':'zero'},{'b':'one'}]}", "one "},
        {"{{#a.b}}in {{c}}{{/a.b}}", "{'a':{'b':{'c':'it'}}}", "in it"},
        {"{{^a.b.c}}none{{/a.b.c}}", "{'a':{}}", "none"});
}

static void a_dot_is_the_value_itself(void **state)
{
    (void)state;
    CHECK({"{{.}}", "'<x>'", "&lt;x&gt;"}, {"{{{.}}}", "'<x>'", "<x>"},
        {"{{#list}}({{.}}){{/list}}", "{'list':[1,'two',3.5,false]}", "(1)(two)(3.5)(false)"},
        {"{{#list}}[{{#.}}{{.}}{{/.}}]{{/list}}", "{'list':[[1,2],[3]]}", "[12][3]"},
        {"{{#list}}{{name}}{{/list}}", "{'list':[{'name':'a'},{}],'name':'o'}", "ao"},
        {"{{#list}}{{.name}}{{/list}}", "{'list':[{'name':'a'},{}],'name':'o'}", "a"},
        {"{{#list}}{{#.note}}({{.}}){{/.note}}{{/list}}",
            "{'list':[{'note':'x'},{}],'note':'outer'}", "(x)"});
}

static void sections_show_what_is_true(void **state)
{
    (void)state;
    CHECK({"{{#a}}yes{{/a}}", "{'a':true}", "yes"}, {"{{#a}}yes{{/a}}", "{'a':false}", ""},
        {"{{#a}}yes{{/a}}", "{'a':null}", ""}, {"{{#a}}yes{{/a}}", "{}", ""},
        {"{{#a}}yes{{/a}}", "{'a':''}", ""}, {"{{#a}}yes{{/a}}", "{'a':0}", ""},
        {"{{#a}}yes{{/a}}", "{'a':[]}", ""}, {"{{#a}}yes{{/a}}", "{'a':{}}", "yes"},
        {"{{#a}}{{b}} {{c}}{{/a}}", "{'a':{'b':'in'},'b':'out','c':'around'}", "in around"},
        {"{{#l}}{{n}};{{/l}}", "{'l':[{'n':1},{'n':2},{'n':3}]}", "1;2;3;"},
        {"{{#s}}{{.}}{{s}}{{/s}}", "{'s':'x'}", "xx"},
        {"{{#a}}1{{#b}}2{{#c}}3{{/c}}2{{/b}}1{{/a}}", "{'a':{'b':{'c':{}}}}", "12321"},
        {"{{#a}}{{#a}}x{{/a}}{{/a}}", "{'a':true}", "x"}, {"{{# a }}y{{/ a }}", "{'a':1}", "y"});
}

static void inverted_sections_show_what_is_not(void **state)
{
    (void)state;
    CHECK({"{{^a}}no{{/a}}", "{'a':false}", "no"}, {"{{^a}}no{{/a}}", "{'a':true}", ""},
        {"{{^a}}no{{/a}}", "{}", "no"}, {"{{^a}}no{{/a}}", "{'a':[]}", "no"},
        {"{{^a}}no{{/a}}", "{'a':[0]}", ""}, {"{{^a}}no{{/a}}", "{'a':{}}", ""},
        {"{{#a}}A{{/a}}{{^a}}B{{/a}}", "{'a':0}", "B"},
        {"| {{^a}} {{! quiet }} {{/a}} |", "{}", "|    |"});
}

static void tags_alone_on_a_line_take_it_with_them(void **state)
{
    (void)state;
    CHECK({"<\n{{#a}}\n-\n{{/a}}\n>\n", "{'a':true}", "<\n-\n>\n"},
        {"<\n  {{#a}}\n-\n  {{/a}}\n>\n", "{'a':true}", "<\n-\n>\n"},
        {"<\r\n{{#a}}\r\n-\r\n{{/a}}\r\n>", "{'a':true}", "<\r\n-\r\n>"},
        {"  {{#a}}\n#{{/a}}\n/", "{'a':true}", "#\n/"},
        {"#{{#a}}\n/\n  {{/a}}", "{'a':true}", "#\n/\n"},
        {"{{#a}} {{x}}\n{{/a}}", "{'a':true,'x':1}", " 1\n"},
        {" | {{#a}}\t|\t{{/a}} | \n", "{'a':true}", " | \t|\t | \n"},
        {"{{#a}}x{{/a}}{{^a}}y{{/a}}\n", "{'a':true}", "x\n"},
        {"{{#a}}{{/a}}\nb", "{'a':true}", "\nb"}, {"<\n{{^a}}\n-\n{{/a}}\n>\n", "{}", "<\n-\n>\n"});
}

static void delimiters_can_be_set(void **state)
{
    (void)state;
    CHECK({"{{=<% %>=}}(<%a%>)", "{'a':'x'}", "(x)"}, {"({{=| |=}}|a|)", "{'a':'x'}", "(x)"},
        {"[\n{{#a}}{{b}}{{=[ ]=}}[/a]\n]", "{'a':{'b':1}}", "[\n1\n]"},
        {"{{= @ @ =}}@a@@&a@@#a@s@/a@", "{'a':'<'}", "&lt;<s"}, {"a\n{{=<% %>=}}\nb", "{}", "a\nb"},
        {"a\n  {{=<% %>=}}  \nb", "{}", "a\nb"},
        {"{{=<< >>=}}<<>p>>", "{'a':1}", "1", "{'p':'{{a}}'}"},
        {"{{>p}}{{a}}", "{'a':1}", "11", "{'p':'{{=| |=}}|a|'}"});
}

static void partials_come_with_their_indentation(void **state)
{
    (void)state;
    CHECK({"[{{>p}}]", "{'x':1}", "[1]", "{'p':'{{x}}'}"}, {"[{{>nowhere}}]", "{}", "[]"},
        {"{{>node}}", "{'v':'a','kids':[{'v':'b','kids':[]}]}", "a(b())",
            "{'node':'{{v}}({{#kids}}{{>node}}{{/kids}})'}"},
        {"{\n  {{>p}}\n}\n", "{'x':'1\\n2'}", "{\n  <\n  1\n2\n  >\n}\n",
            "{'p':'<\\n{{{x}}}\\n>\\n'}"},
        {"  {{x}} {{>p}}\n", "{'x':'|'}", "  | >\n>\n", "{'p':'>\\n>'}"},
        {"  {{>a}}\n", "{}", "  1\n    2\n    3\n", "{'a':'1\\n  {{>b}}\\n','b':'2\\n3\\n'}"},
        {" {{>p}}\n", "{}", " a\n\n b\n", "{'p':'a\\n\\nb\\n'}"},
        {"{{>p}}\n|", "{}", "end|", "{'p':'end'}"},
        {"{{> path/of-it }}", "{}", "x", "{'path/of-it':'x'}"},
        {"{{>*which}}{{>*gone}}", "{'which':'b'}", "B", "{'a':'A','b':'B'}"},
        {"{{#l}}{{>*kind}}{{/l}}", "{'l':[{'kind':'a'},{'kind':'b'}]}", "AB", "{'a':'A','b':'B'}"});
}

static void parents_have_blocks_that_children_fill(void **state)
{
    (void)state;
    CHECK({"{{$a}}default {{x}}{{/a}}", "{'x':1}", "default 1"},
        {"{{<p}}{{/p}}", "{}", "[d]", "{'p':'[{{$a}}d{{/a}}]'}"},
        {"{{<p}}{{$a}}mine{{/a}}{{/p}}", "{}", "[mine]", "{'p':'[{{$a}}d{{/a}}]'}"},
        {"{{<p}} lost {{$a}}kept{{/a}} lost {{/p}}", "{}", "[kept]", "{'p':'[{{$a}}{{/a}}]'}"},
        {"{{<p}}{{$a}}{{x}}{{/a}}{{/p}}", "{'x':'out','in':{'x':'in'}}", "in",
            "{'p':'{{#in}}{{$a}}{{/a}}{{/in}}'}"},
        {"{{<p}}{{$b}}B{{/b}}{{/p}}", "{'a':'data','b':'data'}", "da B",
            "{'p':'{{$a}}da{{/a}} {{$b}}db{{/b}}'}"},
        {"{{<p}}{{$a}}1{{/a}}{{/p}}{{<p}}{{$a}}2{{/a}}{{/p}}", "{}", "(1)(2)",
            "{'p':'({{$a}}{{/a}})'}"},
        {"{{<p}}{{$a}}child{{/a}}{{/p}}", "{}", "child",
            "{'p':'{{<g}}{{$a}}parent{{/a}}{{/g}}','g':'{{$a}}grand{{/a}}'}"},
        {"{{<p}}{{/p}}", "{}", "parent",
            "{'p':'{{<g}}{{$a}}parent{{/a}}{{/g}}','g':'{{$a}}grand{{/a}}'}"},
        {"{{<p}}{{$a}}x{{/a}}{{/p}}", "{}", "x|", "{'p':'{{>inner}}|','inner':'{{$a}}d{{/a}}'}"},
        {"{{<nowhere}}{{$a}}x{{/a}}{{/nowhere}}", "{}", ""});
}

static void blocks_take_the_indentation_of_their_place(void **state)
{
    (void)state;
    CHECK({"{{<p}}{{$a}}\n    one\n    two\n{{/a}}{{/p}}\n", "{}", "<\n  one\n  two\n>\n",
              "{'p':'<\\n  {{$a}}\\n  {{/a}}\\n>\\n'}"},
        {"{{<p}}{{$a}}\none\n  two\n{{/a}}{{/p}}", "{}", "<\n   one\n     two\n>\n",
            "{'p':'<\\n{{$a}}\\n   default\\n{{/a}}\\n>\\n'}"},
        {"  {{<p}}{{/p}}\n", "{}", "  a\n  b\n", "{'p':'a\\nb\\n'}"},
        {"{{<p}}{{$a}}x{{/a}}{{/p}}", "{}", "-\n  x\n", "{'p':'-\\n  {{$a}}d{{/a}}\\n'}"},
        {"{{<p}}\n{{$a}}\none\n{{/a}}\n{{/p}}\n", "{}", "<\none\n>\n",
            "{'p':'<\\n{{$a}}{{/a}}>\\n'}"});
}

static void sections_can_compare(void **state)
{
    (void)state;
    CHECK({"{{#a=3}}yes{{/a=3}}{{^a=3}}no{{/a=3}}", "{'a':3}", "yes"},
        {"{{#a=3}}yes{{/a=3}}{{^a=3}}no{{/a=3}}", "{'a':'3'}", "yes"},
        {"{{#a=3}}yes{{/a=3}}{{^a=3}}no{{/a=3}}", "{'a':4}", "no"},
        {"{{#a='b c'}}yes{{/a='b c'}}", "{'a':'b c'}", "yes"},
        {"{{#a=b.c}}yes{{/a=b.c}}", "{'a':7,'b':{'c':'7'}}", "yes"},
        {"{{#a=''}}empty{{/a=''}}", "{}", "empty"}, {"{{#a=0}}zero{{/a=0}}", "{'a':0}", "zero"},
        {"{{#l}}{{#id=want}}<{{id}}>{{/id=want}}{{/l}}", "{'l':[{'id':1},{'id':2}],'want':2}",
            "<2>"});
}

static void calls_get_their_arguments(void **state)
{
    (void)state;
    CHECK({"{{{say:a.b}}}", "{'a':{'b':5}}", "<-|a.b|5>"},
        {"{{say:a}}", "{'a':'x'}", "&lt;-|a|x&gt;"},
        {"{{{say:key n=a m='two words' o=7}}}", "{'a':1}",
            "<-|key|><n|a|1><m|two words|two words><o|7|7>"},
        {"{{{say:a n=say:b}}}", "{'a':1,'b':2}", "<-|a|1><n|say:b|<-|b|2>>"},
        {"{{{say:.}}}", "'top'", "<-|.|top>"},
        {"{{{say: \n a \n b=a }}}", "{'a':1}", "<-|a|1><b|a|1>"}, {"{{say:}}", "{}", ""});
}

static void shared_data_stands_behind_the_rest(void **state)
{
    (void)state;
    json_t *shared = read_json("{'a':'shared','b':'shared'}");
    json_t *data = read_json("{'b':'own','c':{'a2':1}}");
    const struct mustache_options options = {.shared = shared};
    const char *text = "{{a}} {{b}} {{#c}}{{a}}{{/c}}";
    struct mustache *template = mustache_parse("x", text, strlen(text), NULL);
    struct mustache_buffer out = {0};
    assert_int_equal(mustache_render(template, data, &options, &out, NULL), 0);
    assert_string_equal(out.data, "shared own shared");
    mustache_buffer_fini(&out);
    mustache_free(template);
    json_decref(shared);
    json_decref(data);
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *template;
        const char *message;
    } rows[] = {{"a\nb {{name", "x:2: a tag is not closed: }} is missing"},
        {"{{{a}}", "x:1: a tag is not closed: }}} is missing"},
        {"\n\n{{#a}}\n", "x:3: \"a\" is opened and never closed"},
        {"{{/a}}", "x:1: {{/a}} closes nothing"},
        {"{{#a}}\n{{/b}}", "x:2: {{/b}} stands where {{/a}} of line 1 belongs"},
        {"{{}}", "x:1: an empty tag"}, {"{{#}}", "x:1: an empty tag"},
        {"{{a b}}", "x:1: \"a b\" is not a name"}, {"{{a..b}}", "x:1: \"a..b\" is not a name"},
        {"{{#t:a}}{{/t:a}}", "x:1: \"t:a\" is not a name"},
        {"{{=<<=}}", "x:1: delimiters are two words of up to 16 characters without ="},
        {"{{=a b=c d=}}", "x:1: delimiters are two words of up to 16 characters without ="},
        {"{{= =}}", "x:1: an empty tag"},
        {"{{! many\nlines }}\n{{", "x:3: a tag is not closed: }} is missing"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mustache_error error = {0};
        assert_null(mustache_parse("x", rows[i].template, strlen(rows[i].template), &error));
        assert_string_equal(error.text, rows[i].message);
        assert_null(mustache_parse("x", rows[i].template, strlen(rows[i].template), NULL));
    }
}

static int render_with(const char *text, const char *data, struct mustache_options options,
    struct mustache_error *error)
{
    struct mustache *template = mustache_parse("page", text, strlen(text), error);
    assert_non_null(template);
    json_t *json = read_json(data);
    struct mustache_buffer out = {0};
    int result = mustache_render(template, json, &options, &out, error);
    mustache_buffer_fini(&out);
    mustache_free(template);
    json_decref(json);
    return result;
}

static void what_never_ends_is_stopped(void **state)
{
    (void)state;
    struct mustache_error error = {0};
    struct shelf shelf = {
        .texts = read_json("{'self':'{{>self}}','twice':'{{#go}}{{>t2}}{{>t2}}{{/go}}',"
                           "'t2':'{{>t3}}{{>t3}}','t3':'{{>twice}}{{>twice}}'}")};
    struct mustache_options options = {.self = &shelf, .partial = find_partial, .call = say};
    assert_int_equal(render_with("{{>self}}", "{}", options, &error), -1);
    assert_string_equal(error.text, "self:1: templates include each other too deeply");
    options.max_steps = 50;
    assert_int_equal(render_with("{{>twice}}", "{'go':true}", options, &error), -1);
    assert_non_null(strstr(error.text, "takes too many steps"));
    options.max_steps = 0;
    options.max_bytes = 10;
    assert_int_equal(render_with("0123456789{{a}}", "{'a':'x'}", options, &error), -1);
    assert_string_equal(error.text, "page:1: the page grows too large");
    assert_int_equal(render_with("0123456789", "{}", options, &error), 0);
    options.max_bytes = 0;
    assert_int_equal(render_with("a\n{{nobody:a}}", "{}", options, &error), -1);
    assert_string_equal(error.text, "page:2: nothing answers the call nobody");
    assert_int_equal(render_with("{{broken:a}}", "{}", options, &error), -1);
    assert_int_equal(error.line, 1);
    assert_int_equal(render_with("{{say:say:say:say:say:say:a}}", "{}", options, &error), -1);
    assert_string_equal(error.text, "page:1: calls stand too deep in calls");
    for (size_t i = 0; i < shelf.count; i++) {
        mustache_free(shelf.compiled[i]);
    }
    json_decref(shelf.texts);
}

static void templates_have_limits(void **state)
{
    (void)state;
    struct mustache_error error = {0};
    char nest[MUSTACHE_NEST_MAX * 6 + 7] = "";
    for (size_t i = 0; i <= MUSTACHE_NEST_MAX; i++) {
        memcpy(nest + i * 6, "{{#a}}", 7);
    }
    assert_null(mustache_parse("x", nest, strlen(nest), &error));
    assert_string_equal(error.text, "x:1: more than 64 sections within each other");
    char *large = calloc(1, MUSTACHE_TEXT_MAX + 2);
    memset(large, 'a', MUSTACHE_TEXT_MAX + 1);
    assert_null(mustache_parse("x", large, MUSTACHE_TEXT_MAX + 1, &error));
    struct mustache *fits = mustache_parse("x", large, MUSTACHE_TEXT_MAX, &error);
    assert_non_null(fits);
    mustache_free(fits);
    free(large);
    const char *many = "{{say:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17}}";
    assert_null(mustache_parse("x", many, strlen(many), &error));
}

static void a_buffer_keeps_its_limit(void **state)
{
    (void)state;
    struct mustache_buffer buffer = {.limit = 5};
    mustache_puts(&buffer, "1234");
    assert_false(buffer.full);
    mustache_puts(&buffer, "56");
    assert_true(buffer.full);
    assert_string_equal(buffer.data, "1234");
    mustache_buffer_fini(&buffer);
    mustache_buffer_fini(&buffer);
}

static void count_partial(void *arg, const char *name, unsigned line)
{
    size_t *count = arg;
    ++*count;
    assert_true((line == 1 && strcmp(name, "a") == 0) || (line == 2 && strcmp(name, "b") == 0));
}

static void partials_are_listed(void **state)
{
    (void)state;
    const char *text = "{{>a}}\n{{<b}}{{/b}}{{>*c}}";
    struct mustache *template = mustache_parse("x", text, strlen(text), NULL);
    size_t count = 0;
    mustache_each_partial(template, count_partial, &count);
    assert_int_equal(count, 2);
    mustache_free(template);
    mustache_free(NULL);
}

struct crowd {
    const struct mustache *template;
    const json_t *data;
};

static void *render_often(void *arg)
{
    const struct crowd *crowd = arg;
    const struct mustache_options options = {.call = say, .shared = crowd->data};
    size_t wrong = 0;
    for (int i = 0; i < 300; i++) {
        struct mustache_buffer out = {0};
        wrong += mustache_render(crowd->template, crowd->data, &options, &out, NULL) != 0;
        wrong += strcmp(out.data, "1,2,3,&lt;-|l.0|1&gt;") != 0;
        mustache_buffer_fini(&out);
    }
    return wrong == 0 ? arg : NULL;
}

static void threads_share_a_template(void **state)
{
    (void)state;
    const char *text = "{{#l}}{{.}},{{/l}}{{say:l.0}}";
    struct mustache *template = mustache_parse("x", text, strlen(text), NULL);
    json_t *data = read_json("{'l':[1,2,3]}");
    struct crowd crowd = {template, data};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, render_often, &crowd), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    mustache_free(template);
    json_decref(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_leave_nothing),
        cmocka_unit_test(variables_are_escaped),
        cmocka_unit_test(dotted_names_walk_down),
        cmocka_unit_test(a_dot_is_the_value_itself),
        cmocka_unit_test(sections_show_what_is_true),
        cmocka_unit_test(inverted_sections_show_what_is_not),
        cmocka_unit_test(tags_alone_on_a_line_take_it_with_them),
        cmocka_unit_test(delimiters_can_be_set),
        cmocka_unit_test(partials_come_with_their_indentation),
        cmocka_unit_test(parents_have_blocks_that_children_fill),
        cmocka_unit_test(blocks_take_the_indentation_of_their_place),
        cmocka_unit_test(sections_can_compare),
        cmocka_unit_test(calls_get_their_arguments),
        cmocka_unit_test(shared_data_stands_behind_the_rest),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(what_never_ends_is_stopped),
        cmocka_unit_test(templates_have_limits),
        cmocka_unit_test(a_buffer_keeps_its_limit),
        cmocka_unit_test(partials_are_listed),
        cmocka_unit_test(threads_share_a_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
