// ask.h - a service in one line a call: found, entered, called and left.
//
// Who provides it may be away, or of an earlier version; and its code runs in its own name, with its own tables and
// permissions. Both are the same around each call, and stand here once. federate.h and sign.h have the members of
// their services as functions.
// SPDX-License-Identifier: MIT
#ifndef ASK_H
#define ASK_H
#include <shoal/error.h>
#include <shoal/services.h>

/// One use of a service, from ask_enter() to shoal_leave(). err is never NULL: whoever is behind it may read it.
struct ask {
    struct shoal_service service;
    struct shoal_err *err, own;
};

/// Whether somebody provides a service now.
bool ask_is_there(const char *service);
/// Finds a service and enters it. err: may be NULL. Returns: false, with the error, where nobody provides it.
bool ask_enter(
    struct shoal_call *call, const char *service, struct ask *ask, struct shoal_err *err);
/// Says that nobody provides a service now: it may come back. Returns: SHOAL_EBUSY.
int ask_away(const char *service, struct shoal_err *err);

/// What `member` of the service's table (struct shoal_svc_SERVICE) answers to the arguments that follow its `arg`;
/// among them ask.err, for what it has to say. `otherwise`: where nobody provides it, or one who has no such member.
#define ASK(call, service_name, error, otherwise, member, ...)                                     \
    ({                                                                                             \
        struct ask ask;                                                                            \
        __typeof__(((const struct shoal_svc_##service_name *)NULL)                                 \
                       ->member(call, NULL, ##__VA_ARGS__)) ask_answer = (otherwise);              \
        if (ask_enter(call, #service_name, &ask, error)) {                                         \
            const struct shoal_svc_##service_name *ask_table = ask.service.table;                  \
            if (SHOAL_HAS(ask_table, member)) {                                                    \
                ask_answer = ask_table->member(call, ask.service.arg, ##__VA_ARGS__);              \
            } else {                                                                               \
                ask_away(#service_name, ask.err);                                                  \
            }                                                                                      \
            shoal_leave(call);                                                                     \
        }                                                                                          \
        ask_answer;                                                                                \
    })

/// The same of a member that answers nothing.
#define ASK_TO(call, service_name, member, ...)                                                    \
    do {                                                                                           \
        struct ask ask;                                                                            \
        if (ask_enter(call, #service_name, &ask, NULL)) {                                          \
            const struct shoal_svc_##service_name *ask_table = ask.service.table;                  \
            if (SHOAL_HAS(ask_table, member)) {                                                    \
                ask_table->member(call, ask.service.arg, ##__VA_ARGS__);                           \
            }                                                                                      \
            shoal_leave(call);                                                                     \
        }                                                                                          \
    } while (0)

/// The same in start(), where there is no call: registers something with who provides it.
#define ASK_START(service_name, error, member, what)                                               \
    ({                                                                                             \
        struct shoal_service ask_service;                                                          \
        const struct shoal_svc_##service_name *ask_table =                                         \
            shoal_service_find(#service_name, NULL, &ask_service) ? ask_service.table : NULL;      \
        ask_table != NULL && SHOAL_HAS(ask_table, member)                                          \
            ? ask_table->member(ask_service.arg, what, error)                                      \
            : shoal_fail(error, SHOAL_ENOTFOUND, "no plugin provides " #service_name);             \
    })

#endif
