// plurals.c - which plural form a number takes in a language.
// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The cardinal rules of CLDR for whole numbers; a number with a fraction takes the form that
// fractions have in that language.
#include "plurals.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct number {
    uint64_t whole;
    bool has_fraction;
};

typedef const char *plural_fn(struct number n);

static bool within(uint64_t value, uint64_t from, uint64_t to)
{
    return value >= from && value <= to;
}

static const char *never(struct number n)
{
    (void)n;
    return "other";
}

static const char *english(struct number n)
{
    return n.whole == 1 && !n.has_fraction ? "one" : "other";
}

static const char *spanish(struct number n)
{
    bool is_round = !n.has_fraction && n.whole != 0 && n.whole % 1000000 == 0;
    return is_round ? "many" : english(n);
}

static const char *french(struct number n)
{
    bool is_round = !n.has_fraction && n.whole % 1000000 == 0;
    return n.whole <= 1 ? "one" : is_round ? "many" : "other";
}

// Zero and one are alike, and so are the fractions below two (Hindi, Persian: below one).
static const char *hindi(struct number n)
{
    return n.whole == 0 || (n.whole == 1 && !n.has_fraction) ? "one" : "other";
}

static const char *danish(struct number n)
{
    return n.whole == 1 || (n.whole == 0 && n.has_fraction) ? "one" : "other";
}

static const char *icelandic(struct number n)
{
    bool one = n.whole % 10 == 1 && n.whole % 100 != 11;
    return one || n.has_fraction ? "one" : "other";
}

static const char *russian(struct number n)
{
    bool one = n.whole % 10 == 1 && n.whole % 100 != 11;
    bool few = within(n.whole % 10, 2, 4) && !within(n.whole % 100, 12, 14);
    return one ? "one" : few ? "few" : "many";
}

static const char *croatian(struct number n)
{
    const char *form = russian(n);
    return strcmp(form, "many") == 0 ? "other" : form;
}

static const char *polish(struct number n)
{
    const char *form = russian(n);
    return n.whole == 1 ? "one" : strcmp(form, "one") == 0 ? "many" : form;
}

static const char *czech(struct number n)
{
    return n.whole == 1 ? "one" : within(n.whole, 2, 4) ? "few" : "other";
}

static const char *slovenian(struct number n)
{
    static const char *const forms[] = {"other", "one", "two", "few", "few"};
    return n.whole % 100 <= 4 ? forms[n.whole % 100] : "other";
}

static const char *lithuanian(struct number n)
{
    bool other = n.whole % 10 == 0 || within(n.whole % 100, 11, 19);
    return other ? "other" : n.whole % 10 == 1 ? "one" : "few";
}

static const char *latvian(struct number n)
{
    bool zero = !n.has_fraction && (n.whole % 10 == 0 || within(n.whole % 100, 11, 19));
    bool one = n.whole % 10 == 1 && n.whole % 100 != 11;
    return zero ? "zero" : one ? "one" : "other";
}

static const char *romanian(struct number n)
{
    bool few = n.has_fraction || n.whole == 0 || within(n.whole % 100, 1, 19);
    return n.whole == 1 && !n.has_fraction ? "one" : few ? "few" : "other";
}

static const char *arabic(struct number n)
{
    static const char *const small[] = {"zero", "one", "two"};
    uint64_t rest = n.whole % 100;
    return n.whole <= 2 ? small[n.whole] : within(rest, 3, 10) ? "few" : rest > 10 ? "many" : "other";
}

static const char *hebrew(struct number n)
{
    bool one = n.has_fraction ? n.whole == 0 : n.whole == 1;
    return one ? "one" : n.whole == 2 && !n.has_fraction ? "two" : "other";
}

static const char *irish(struct number n)
{
    static const char *const forms[] = {
        "other", "one", "two", "few", "few", "few", "few", "many", "many", "many", "many"};
    return n.whole <= 10 ? forms[n.whole] : "other";
}

static const char *welsh(struct number n)
{
    static const char *const forms[] = {"zero", "one", "two", "few", "other", "other", "many"};
    return n.whole <= 6 ? forms[n.whole] : "other";
}

static const char *gaelic(struct number n)
{
    uint64_t digit = n.whole > 10 ? n.whole - 10 : n.whole;
    return digit == 1 ? "one" : digit == 2 ? "two" : within(n.whole, 3, 19) ? "few" : "other";
}

static const char *maltese(struct number n)
{
    bool few = n.whole == 0 || within(n.whole % 100, 3, 10);
    bool many = within(n.whole % 100, 11, 19);
    return n.whole == 1 ? "one" : n.whole == 2 ? "two" : few ? "few" : many ? "many" : "other";
}

static const struct rule {
    plural_fn *fn;
    const char *fraction;  // the form of numbers with one; NULL: fn tells
    const char *languages; // each with a space on both sides
} rules[] = {
    {never, "other", " ja zh ko vi th id ms lo my km yue jv su wo "},
    {spanish, NULL, " es it ca pt-PT "},
    {french, NULL, " fr pt "},
    {hindi, NULL, " hi fa bn gu kn am zu as "},
    {danish, NULL, " da "},
    {icelandic, NULL, " is mk "},
    {russian, "other", " ru uk be "},
    {croatian, "other", " hr sr bs sh "},
    {polish, "other", " pl "},
    {czech, "many", " cs sk "},
    {slovenian, "few", " sl "},
    {lithuanian, "many", " lt "},
    {latvian, NULL, " lv "},
    {romanian, NULL, " ro mo "},
    {arabic, "other", " ar "},
    {hebrew, NULL, " he iw "},
    {irish, "other", " ga "},
    {welsh, "other", " cy "},
    {gaelic, "other", " gd "},
    {maltese, "other", " mt "},
};

static const struct rule *find_rule(const char *tag, size_t length)
{
    char key[16] = " ";
    if (length == 0 || length > sizeof key - 3) {
        return NULL;
    }
    memcpy(key + 1, tag, length);
    key[length + 1] = ' ';
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strstr(rules[i].languages, key) != NULL) {
            return &rules[i];
        }
    }
    return NULL;
}

const char *plural_category(const char *locale, double number)
{
    double size = isfinite(number) ? fabs(number) : 0;
    struct number n = {.whole = size < 1e15 ? (uint64_t)size : 1000000000000000U};
    n.has_fraction = size < 1e15 && (double)n.whole != size;
    const struct rule *rule = find_rule(locale, strlen(locale));
    if (rule == NULL) {
        rule = find_rule(locale, strcspn(locale, "-_"));
    }
    if (rule == NULL) {
        return english(n);
    }
    return n.has_fraction && rule->fraction != NULL ? rule->fraction : rule->fn(n);
}
