// random.h - the table of chance, which tests replace.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_RANDOM_H
#define SHOAL_CORE_BASE_RANDOM_H
#include <stddef.h>
#include <stdint.h>

struct shoal_random_source {
    void (*fill)(void *self, void *out, size_t bytes);
    void *self;
};
/// From now on shoal_random() asks this table, which must outlive its use. NULL: the system again.
void shoal_random_set(const struct shoal_random_source *source);
/// A number from 0 to below - 1, each as likely; 0 for below 0 or 1.
uint64_t shoal_random_below(uint64_t below);

#endif
