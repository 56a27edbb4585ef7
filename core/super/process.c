// process.c - <shoal/process.h>: asks the supervisor to start, watch and end programs.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/process.h>

#include <stdio.h>
#include <string.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "base/context.h"
#include "base/sized.h"
#include "super/channel.h"
#include "super/media.h"

#define ANSWER_MS 30000

static int may_start(const struct shoal_call *call, const char *program, struct shoal_err *err)
{
    const struct shoal_plugin *plugin = call == NULL ? NULL : shoal_call_plugin(call);
    char wanted[96];
    snprintf(wanted, sizeof wanted, "process:%s", program == NULL ? "" : program);
    if (shoal_plugin_lists(plugin, wanted)) {
        return 0;
    }
    return shoal_fail(err, SHOAL_EFORBIDDEN,
        "plugin %s may not start %s: its manifest lacks the permission \"%s\"",
        ((const struct shoal_plugin_id *)(const void *)plugin)->name,
        program == NULL ? "(none)" : program, wanted);
}

static json_t *texts(const char *const *list)
{
    json_t *array = json_array();
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        json_array_append_new(array, json_string(list[i]));
    }
    return array;
}

static void set_text(json_t *body, const char *key, const char *text)
{
    if (text != NULL) {
        json_object_set_new(body, key, json_string(text));
    }
}

int shoal_process_start_sized(struct shoal_call *call, const struct shoal_process *theirs,
    size_t what_bytes, struct shoal_err *err)
{
    struct shoal_process mine;
    const struct shoal_process *what = &mine;
    shoal_sized_copy(&mine, sizeof mine, theirs, what_bytes);
    int code = may_start(call, what->program, err);
    if (code != 0) {
        return code;
    }
    if (what->program == NULL || what->key == NULL || what->work_path == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "a process needs a program, a key and a folder");
    }
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:i}", "do",
        "start", "program", what->program, "key", what->key, "work", what->work_path, "args",
        texts(what->args), "read", texts(what->read_paths), "memory",
        (json_int_t)what->memory_bytes, "file", (json_int_t)what->file_bytes, "cpu",
        (json_int_t)what->cpu_s, "wall", (json_int_t)what->wall_s, "nice", what->nice);
    if (body == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "the names of a process must be UTF-8");
    }
    set_text(body, "output", what->output_path);
    set_text(body, "errors", what->errors_path);
    int fds[2];
    size_t count = 0;
    if (what->stdin_fd > 0) {
        json_object_set_new(body, "stdin", json_true());
        fds[count++] = what->stdin_fd;
    }
    if (what->stdout_fd > 0) {
        json_object_set_new(body, "stdout", json_true());
        fds[count++] = what->stdout_fd;
    }
    json_t *answer = NULL;
    code = shoal_channel_ask(call, body, fds, count, ANSWER_MS, &answer, NULL, NULL, err);
    json_decref(answer);
    return code;
}

int shoal_process_wait_sized(struct shoal_call *call, const char *key, int64_t timeout_ms,
    struct shoal_process_state *state, size_t state_bytes, struct shoal_err *err)
{
    struct shoal_process_state mine = {0};
    json_t *answer = NULL;
    json_int_t id = 0;
    int code = shoal_channel_ask(call, json_pack("{s:s, s:s}", "do", "wait", "key", key), NULL, 0,
        timeout_ms, &answer, NULL, &id, err);
    if (code == SHOAL_ETIMEOUT || code == SHOAL_ECANCELLED) {
        shoal_channel_tell(json_pack("{s:s, s:s, s:I}", "do", "unwait", "key", key, "of", id),
            NULL);
        mine.running = true;
    }
    if (code == 0) {
        shoal_process_state_read(json_object_get(answer, "state"), &mine);
    }
    if (state != NULL && (code == 0 || mine.running)) {
        shoal_sized_copy(state, state_bytes, &mine, sizeof mine);
    }
    json_decref(answer);
    return code;
}

int shoal_process_kill(struct shoal_call *call, const char *key, struct shoal_err *err)
{
    (void)call; // a cancelled call must still be able to end what it started
    json_t *answer = NULL;
    int code = shoal_channel_ask(NULL, json_pack("{s:s, s:s}", "do", "kill", "key", key), NULL, 0,
        ANSWER_MS, &answer, NULL, NULL, err);
    json_decref(answer);
    return code;
}

void shoal_process_forget(struct shoal_call *call, const char *key)
{
    (void)call;
    shoal_channel_tell(json_pack("{s:s, s:s}", "do", "forget", "key", key), NULL);
}
