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

typedef const char *(*plural_fn)(struct number n);

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
    if (!n.has_fraction && n.whole != 0 && n.whole % 1000000 == 0) {
        return "many";
    }
    return english(n);
}

static const char *french(struct number n)
{
    if (n.whole <= 1) {
        return "one";
    }
    return !n.has_fraction && n.whole % 1000000 == 0 ? "many" : "other";
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
    if (n.has_fraction) {
        return "other";
    }
    if (n.whole % 10 == 1 && n.whole % 100 != 11) {
        return "one";
    }
    if (within(n.whole % 10, 2, 4) && !within(n.whole % 100, 12, 14)) {
        return "few";
    }
    return "many";
}

static const char *croatian(struct number n)
{
    const char *form = russian(n);
    return strcmp(form, "many") == 0 ? "other" : form;
}

static const char *polish(struct number n)
{
    if (n.has_fraction) {
        return "other";
    }
    if (n.whole == 1) {
        return "one";
    }
    const char *form = russian(n);
    return strcmp(form, "one") == 0 ? "many" : form;
}

static const char *czech(struct number n)
{
    if (n.has_fraction) {
        return "many";
    }
    if (n.whole == 1) {
        return "one";
    }
    return within(n.whole, 2, 4) ? "few" : "other";
}

static const char *slovenian(struct number n)
{
    if (n.has_fraction) {
        return "few";
    }
    switch (n.whole % 100) {
    case 1:
        return "one";
    case 2:
        return "two";
    case 3:
    case 4:
        return "few";
    default:
        return "other";
    }
}

static const char *lithuanian(struct number n)
{
    if (n.has_fraction) {
        return "many";
    }
    if (n.whole % 10 == 0 || within(n.whole % 100, 11, 19)) {
        return "other";
    }
    return n.whole % 10 == 1 ? "one" : "few";
}

static const char *latvian(struct number n)
{
    if (!n.has_fraction && (n.whole % 10 == 0 || within(n.whole % 100, 11, 19))) {
        return "zero";
    }
    return n.whole % 10 == 1 && n.whole % 100 != 11 ? "one" : "other";
}

static const char *romanian(struct number n)
{
    if (n.whole == 1 && !n.has_fraction) {
        return "one";
    }
    return n.has_fraction || n.whole == 0 || within(n.whole % 100, 1, 19) ? "few" : "other";
}

static const char *arabic(struct number n)
{
    if (n.has_fraction) {
        return "other";
    }
    if (n.whole <= 2) {
        return n.whole == 0 ? "zero" : n.whole == 1 ? "one" : "two";
    }
    if (within(n.whole % 100, 3, 10)) {
        return "few";
    }
    return within(n.whole % 100, 11, 99) ? "many" : "other";
}

static const char *hebrew(struct number n)
{
    if ((n.whole == 1 && !n.has_fraction) || (n.whole == 0 && n.has_fraction)) {
        return "one";
    }
    return n.whole == 2 && !n.has_fraction ? "two" : "other";
}

static const char *irish(struct number n)
{
    if (n.has_fraction || n.whole == 0 || n.whole > 10) {
        return "other";
    }
    return n.whole == 1 ? "one" : n.whole == 2 ? "two" : n.whole <= 6 ? "few" : "many";
}

static const char *welsh(struct number n)
{
    if (n.has_fraction || n.whole > 6 || n.whole == 4 || n.whole == 5) {
        return "other";
    }
    static const char *const forms[] = {"zero", "one", "two", "few", "other", "other", "many"};
    return forms[n.whole];
}

static const char *gaelic(struct number n)
{
    if (n.has_fraction) {
        return "other";
    }
    if (n.whole == 1 || n.whole == 11) {
        return "one";
    }
    if (n.whole == 2 || n.whole == 12) {
        return "two";
    }
    return within(n.whole, 3, 19) ? "few" : "other";
}

static const char *maltese(struct number n)
{
    if (n.has_fraction) {
        return "other";
    }
    if (within(n.whole, 1, 2)) {
        return n.whole == 1 ? "one" : "two";
    }
    if (n.whole == 0 || within(n.whole % 100, 3, 10)) {
        return "few";
    }
    return within(n.whole % 100, 11, 19) ? "many" : "other";
}

static const struct {
    plural_fn fn;
    const char *languages; // each with a space on both sides
} rules[] = {
    {never, " ja zh ko vi th id ms lo my km yue jv su wo "},
    {spanish, " es it ca pt-PT "},
    {french, " fr pt "},
    {hindi, " hi fa bn gu kn am zu as "},
    {danish, " da "},
    {icelandic, " is mk "},
    {russian, " ru uk be "},
    {croatian, " hr sr bs sh "},
    {polish, " pl "},
    {czech, " cs sk "},
    {slovenian, " sl "},
    {lithuanian, " lt "},
    {latvian, " lv "},
    {romanian, " ro mo "},
    {arabic, " ar "},
    {hebrew, " he iw "},
    {irish, " ga "},
    {welsh, " cy "},
    {gaelic, " gd "},
    {maltese, " mt "},
};

static plural_fn find_rule(const char *tag, size_t length)
{
    char key[16] = " ";
    if (length == 0 || length > sizeof key - 3) {
        return NULL;
    }
    memcpy(key + 1, tag, length);
    key[length + 1] = ' ';
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strstr(rules[i].languages, key) != NULL) {
            return rules[i].fn;
        }
    }
    return NULL;
}

const char *plural_category(const char *locale, double number)
{
    double size = isfinite(number) ? fabs(number) : 0;
    struct number n = {.whole = size < 1e15 ? (uint64_t)size : 1000000000000000U};
    n.has_fraction = size < 1e15 && (double)n.whole != size;
    plural_fn fn = find_rule(locale, strlen(locale));
    if (fn == NULL) {
        fn = find_rule(locale, strcspn(locale, "-_"));
    }
    return fn != NULL ? fn(n) : english(n);
}
