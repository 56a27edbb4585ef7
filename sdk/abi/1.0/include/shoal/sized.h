// sized.h - what inline functions of the other headers call: the same, with the sizes of structs.
//
// A struct that crosses the border says how large it was where the plugin was compiled, so that
// members can be appended: a server that is newer takes what an older plugin knows and zeroes the
// rest, and fills in no more than the plugin has room for. Plugins call the functions without
// "_sized".
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SIZED_H
#define SHOAL_SIZED_H
#include <jansson.h>

#include <shoal/version.h>

struct shoal_actor;
struct shoal_decision;
struct shoal_fetch;
struct shoal_fetched;
struct shoal_flight;
struct shoal_follow;
struct shoal_job_kind;
struct shoal_job_options;
struct shoal_media_file;
struct shoal_metric;
struct shoal_pages_folder;
struct shoal_process;
struct shoal_process_state;
struct shoal_pull;
struct shoal_route;
struct shoal_service;
struct shoal_socket_route;
struct shoal_stream_ops;
struct shoal_submission;
struct shoal_video_ref;

// Each is described where its inline function is.

SHOAL_API int shoal_route_add_sized(struct shoal_plugin *self, const struct shoal_route *route,
    size_t route_bytes, struct shoal_err *err);
SHOAL_API int shoal_answer_pull_sized(struct shoal_request *request, int status, const char *type,
    const struct shoal_pull *pull, size_t pull_bytes);
SHOAL_API int shoal_socket_add_sized(struct shoal_plugin *self,
    const struct shoal_socket_route *route, size_t route_bytes, size_t ops_bytes,
    struct shoal_err *err);
SHOAL_API int shoal_answer_events_sized(struct shoal_request *request, const char *topic,
    const struct shoal_stream_ops *ops, size_t ops_bytes, void *state, struct shoal_err *err);
SHOAL_API int shoal_listen_sized(struct shoal_plugin *self, int kind, const char *address,
    const struct shoal_stream_ops *ops, size_t ops_bytes, void *arg, struct shoal_err *err);
SHOAL_API int shoal_process_start_sized(struct shoal_call *call, const struct shoal_process *what,
    size_t what_bytes, struct shoal_err *err);
SHOAL_API int shoal_process_wait_sized(struct shoal_call *call, const char *key, int64_t timeout_ms,
    struct shoal_process_state *state, size_t state_bytes, struct shoal_err *err);
SHOAL_API int shoal_fetch_sized(struct shoal_call *call, const struct shoal_fetch *what,
    size_t what_bytes, struct shoal_fetched *fetched, size_t fetched_bytes, struct shoal_err *err);
SHOAL_API int shoal_flight_begin_sized(struct shoal_call *call, struct shoal_flight *flight,
    const struct shoal_fetch *what, size_t what_bytes, void *mark, struct shoal_err *err);
SHOAL_API int shoal_flight_take_sized(struct shoal_flight *flight, int64_t wait_ms, void **mark,
    struct shoal_fetched *fetched, size_t fetched_bytes, int *code, struct shoal_err *err);
SHOAL_API int shoal_job_kind_add_sized(struct shoal_plugin *self, const struct shoal_job_kind *kind,
    size_t kind_bytes, struct shoal_err *err);
SHOAL_API int shoal_job_add_sized(struct shoal_plugin *self, struct shoal_db *tx, const char *kind,
    const json_t *payload, const struct shoal_job_options *options, size_t options_bytes,
    int64_t *id, struct shoal_err *err);
SHOAL_API int shoal_media_submit_sized(struct shoal_call *call, const struct shoal_submission *what,
    size_t what_bytes, json_t **video, struct shoal_err *err);
SHOAL_API int shoal_media_find_sized(struct shoal_call *call, const char *kind, const char *video,
    const char *name, struct shoal_media_file *file, size_t file_bytes, struct shoal_err *err);
SHOAL_API int shoal_follow_put_sized(struct shoal_call *call, struct shoal_follow *follow,
    size_t follow_bytes, struct shoal_err *err);
SHOAL_API int shoal_follow_get_sized(struct shoal_call *call, int64_t follower_id,
    int64_t target_id, struct shoal_follow *follow, size_t follow_bytes, struct shoal_err *err);
SHOAL_API int shoal_actor_find_sized(struct shoal_call *call, const char *url,
    struct shoal_actor *actor, size_t actor_bytes, struct shoal_err *err);
SHOAL_API int shoal_actor_named_sized(struct shoal_call *call, const char *name, const char *host,
    struct shoal_actor *actor, size_t actor_bytes, struct shoal_err *err);
SHOAL_API int shoal_actor_get_sized(struct shoal_call *call, int64_t id, struct shoal_actor *actor,
    size_t actor_bytes, struct shoal_err *err);
SHOAL_API int shoal_actor_put_sized(struct shoal_call *call, const struct shoal_actor *actor,
    size_t actor_bytes, const json_t *pictures, int64_t *id, struct shoal_err *err);
SHOAL_API int shoal_video_by_url_sized(struct shoal_call *call, const char *url,
    struct shoal_video_ref *video, size_t video_bytes, struct shoal_err *err);
SHOAL_API int shoal_video_by_id_sized(struct shoal_call *call, const char *id,
    struct shoal_video_ref *video, size_t video_bytes, struct shoal_err *err);
SHOAL_API int shoal_video_told_sized(struct shoal_call *call, const char *id,
    struct shoal_video_ref *video, size_t video_bytes, json_t **told, struct shoal_err *err);
SHOAL_API int shoal_fire_decide_sized(struct shoal_call *call, const char *hook, json_t *payload,
    struct shoal_decision *decision, size_t decision_bytes);
SHOAL_API int shoal_held_add_sized(struct shoal_db *tx, const char *hook, const char *subject,
    const struct shoal_decision *decision, size_t decision_bytes, struct shoal_err *err);
SHOAL_API size_t shoal_service_all_sized(
    const char *service, struct shoal_service *out, size_t out_bytes, size_t room);
SHOAL_API bool shoal_service_find_sized(
    const char *service, const char *plugin, struct shoal_service *out, size_t out_bytes);
SHOAL_API size_t shoal_pages_folders_sized(
    struct shoal_pages_folder *out, size_t out_bytes, size_t room);

#endif
