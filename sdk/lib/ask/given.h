// given.h - functions that another plugin gives once, in start(), and that are called in its name.
//
// Their struct is of the contract of a service: it begins with its size and the name of the plugin
// (struct shoal_delivery_rules, struct shoal_key_keeper). Set while the server starts, and read by every worker.
// SPDX-License-Identifier: MIT
#ifndef GIVEN_H
#define GIVEN_H
#include <stdatomic.h>

#include <shoal/error.h>
#include <shoal/services.h>

/// What is kept of it: static struct given given = {"rules of identity", &rules, sizeof rules};
struct given {
    const char *what; ///< for sentences
    void *kept;       ///< a struct of the contract, into which it is copied
    size_t bytes;
    atomic_bool is_there;
};

/// Keeps a copy of what is given; what that points to is the giver's, and lives as long.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EINVAL (of nobody, or of an earlier version with fewer members),
///          SHOAL_ECONFLICT (somebody gave it already).
int given_set(struct given *given, const void *from, struct shoal_err *err);
/// In stop(): nothing is given.
void given_forget(struct given *given);
/// Enters who gave it, until shoal_leave(). Returns: false where nobody did.
bool given_enter(struct shoal_call *call, struct given *given);

/// What `member` of the struct `kept` answers, in the name of who gave it; `otherwise` where nobody did.
#define GIVEN_ASK(call, given, kept_struct, otherwise, member, ...)                                \
    ({                                                                                             \
        __typeof__((kept_struct)->member(call, __VA_ARGS__)) given_answer = (otherwise);           \
        if (given_enter(call, given)) {                                                            \
            given_answer = (kept_struct)->member(call, __VA_ARGS__);                               \
            shoal_leave(call);                                                                     \
        }                                                                                          \
        given_answer;                                                                              \
    })

#endif
