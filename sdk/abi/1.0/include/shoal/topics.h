// topics.h - publish and subscribe across loops, workers and children.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_TOPICS_H
#define SHOAL_TOPICS_H
#include <jansson.h>

#include <shoal/version.h>

/// Publishes a message (borrowed) to everyone who subscribed to exactly this topic ("video:UUID").
///
/// Returns: nothing; best effort, tables hold the truth. Without the permission "topics" nothing is
///          sent, and the log says so. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API void shoal_publish(const char *topic, const json_t *message);

/// Calls fn on a worker for each message until unsubscribed or the plugin stops. fn must not block long.
///
/// Returns: a handle; 0 without the permission "topics" or beyond 1024 a plugin. Errors: none. Thread: [any].
/// Blocks:  no. Since: 1.0.
SHOAL_API uint64_t shoal_subscribe(struct shoal_plugin *self, const char *topic,
    void (*fn)(const char *topic, const json_t *message, void *arg), void *arg);
SHOAL_API void shoal_unsubscribe(uint64_t handle);

#endif
