// request.h - a request as the layers above the network see it, and requests made in-process.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_REQUEST_H
#define SHOAL_CORE_NET_REQUEST_H
#include "net/server.h"

/// The route that was matched and the plugin that owns it (NULL: the core). NULL route: none matched;
/// *allow then lists the methods of the path ("GET, HEAD") or is NULL.
const struct shoal_route *shoal_request_route(const struct shoal_request *request,
    struct shoal_plugin **owner, const char **allow);
/// Whether an answer was given, and its status.
bool shoal_request_answered(const struct shoal_request *request, int *status);
/// Whether its handler may leave without an answer, since the request waits for a word.
bool shoal_request_awaits(const struct shoal_request *request);
/// Throws the answer away so that another can be given (an error after a half-made answer).
void shoal_request_unanswer(struct shoal_request *request);
/// Answers an error as problem+json with PeerTube's keys: type, title, status, detail, code, error,
/// invalid-params. Needs nothing but err.
int shoal_answer_problem(struct shoal_request *request, const struct shoal_err *err);
/// What went wrong inside is for the log, since paths and statements are nobody else's business: err
/// keeps its code and gets a sentence for the client. Lines about a full disk come once a minute.
void shoal_problem_hide(
    const struct shoal_call *call, const char *method, const char *path, const char *owner,
    struct shoal_err *err);
/// Says that a credential was read: the answer is private. By "Bearer" header and by cookie.
const char *shoal_request_bearer(struct shoal_request *request);
/// The cookie that is a credential, as the Authorization header is.
#define SHOAL_SESSION_COOKIE "shoal_session"
/// Its credential (the bearer token, or that cookie's value) is somebody's: limits are counted by it.
void shoal_request_proved(const char *credential);
/// The host as it was sent, whatever the public address is: for diagnosis, never for links.
const char *shoal_request_sent_host(const struct shoal_request *request);
/// Makes a request that never saw a socket; lives in the call's arena. from: the outer request whose
/// address, host, scheme and language it inherits, or NULL. body: borrowed JSON or NULL.
struct shoal_request *shoal_request_internal_new(struct shoal_call *call,
    const struct shoal_request *from, const char *method, const char *path, const json_t *body,
    struct shoal_err *err);
/// The answer of an in-process request: status and, if it is JSON, its value (new reference or NULL).
int shoal_request_internal_take(struct shoal_request *request, json_t **answer);
/// Whether something was read that only this client sent.
bool shoal_request_is_private(const struct shoal_request *request);
/// Adopts the uploads of another request (for shoal_inprocess_from()).
void shoal_request_internal_uploads(struct shoal_request *request, struct shoal_request *from);

#endif
