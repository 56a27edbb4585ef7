// storyboards_make.c - makes a storyboard: the smallest rendition is read once, by the transcoder.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/captions_priv.h"

#include "base/drill.h"
#include "base/file.h"

#define TILES_MAX   100
#define ROW_MAX     10
#define SIDE_MAX    192

bool catalog_storyboard_plan(
    int64_t duration_s, int width, int height, struct catalog_board_plan *plan)
{
    *plan = (struct catalog_board_plan){0};
    if (duration_s <= 0 || width <= 0 || height <= 0) {
        return false;
    }
    int longer = width > height ? width : height;
    plan->tile_s = (duration_s + TILES_MAX - 1) / TILES_MAX;
    plan->count = (int)((duration_s + plan->tile_s - 1) / plan->tile_s);
    plan->columns = plan->count < ROW_MAX ? plan->count : ROW_MAX;
    plan->rows = (plan->count + plan->columns - 1) / plan->columns;
    // Even sides: halves of a pixel have no colour.
    plan->tile_width = (int)((int64_t)width * SIDE_MAX / longer) & ~1;
    plan->tile_height = (int)((int64_t)height * SIDE_MAX / longer) & ~1;
    return plan->tile_width >= 2 && plan->tile_height >= 2;
}

static int board_make(struct shoal_call *call, const struct shoal_service *service,
    const char *path, const struct catalog_board_plan *plan, const char *to, struct shoal_err *err)
{
    const struct shoal_svc_transcoder *table = service->table;
    const struct shoal_board board = {.size = sizeof(board),
        .path = to,
        .tile_width = plan->tile_width,
        .tile_height = plan->tile_height,
        .columns = plan->columns,
        .rows = plan->rows,
        .count = plan->count,
        .tile_s = (double)plan->tile_s};
    json_t *probe = NULL;
    shoal_enter(call, service);
    int code = table->probe(call, service->arg, path, &probe, err);
    code = code == 0 ? table->board(call, service->arg, path, probe, &board, err) : code;
    shoal_leave(call);
    json_decref(probe);
    return code;
}

struct keeping {
    const struct catalog_video *video;
    struct catalog_storyboard board;
    struct catalog_file file;
};

static int keep_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct keeping *keeping = arg;
    struct catalog_video now;
    int code = catalog_video_by_number(call, keeping->video->id, &now, err);
    if (code == SHOAL_ENOTFOUND || (code == 0 && now.version != keeping->video->version)) {
        return catalog_objects_remove(tx, &keeping->file, 1, err);
    }
    code = code == 0 ? catalog_storyboard_remove(call, tx, now.id, err) : code;
    code = code == 0 ? catalog_storyboard_write(tx, now.id, &keeping->board, err) : code;
    code = code == 0 ? catalog_file_add(tx, &keeping->file, NULL, err) : code;
    return code == 0
               ? catalog_beside_tell(call, tx, now.id, "storyboard", json_null(),
                     json_pack("[s]", keeping->board.name), json_array(), err)
               : code;
}

static int board_keep(struct shoal_call *call, const struct catalog_video *video,
    const struct catalog_board_plan *plan, const char *path, struct shoal_err *err)
{
    struct keeping keeping = {.video = video,
        .board = {.name = catalog_storyboard_name(call),
            .width = plan->tile_width * plan->columns,
            .height = plan->tile_height * plan->rows,
            .tile_width = plan->tile_width,
            .tile_height = plan->tile_height,
            .tile_duration_s = plan->tile_s}};
    keeping.file = (struct catalog_file){.video_id = video->id,
        .kind = "storyboard",
        .version = video->version,
        .name = keeping.board.name,
        .mime = "image/jpeg",
        .key = shoal_arena_printf(call->arena, "storyboards/%s", keeping.board.name),
        .size_bytes = catalog_size_of(path),
        .width = keeping.board.width,
        .height = keeping.board.height,
        .is_ready = true};
    int code = catalog_away(catalog_store_file(call, video, &keeping.file, path, err), false);
    shoal_drill_point("storyboard.stored");
    return code == 0 ? catalog_stored_tx(call, &keeping.file, 1, keep_tx, &keeping, err) : code;
}

static int storyboard_make(struct shoal_call *call, const struct shoal_job *job,
    const struct catalog_video *video, const struct catalog_file *input,
    const struct shoal_service *service, struct shoal_err *err)
{
    struct catalog_board_plan plan;
    if (!catalog_storyboard_plan(video->duration_s, input->width, input->height, &plan)) {
        return 0;
    }
    const char *path = NULL;
    const char *work = catalog_picture_work(call, job, err);
    int code = work == NULL ? SHOAL_EIO
                            : catalog_away(catalog_input_path(call, input, work, &path, err), false);
    const char *made = shoal_arena_printf(call->arena, "%s/board.jpg", work == NULL ? "" : work);
    code = code == 0 ? catalog_away(board_make(call, service, path, &plan, made, err), true) : code;
    code = code == 0 ? board_keep(call, video, &plan, made, err) : code;
    if (work != NULL) {
        shoal_tree_remove(work, NULL);
    }
    return code;
}

int catalog_storyboard_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct catalog_video video;
    struct catalog_storyboard board;
    struct catalog_file input = {0};
    struct shoal_service service;
    bool has_board = false;
    bool has_input = false;
    int code = catalog_job_video(call, job, &video, err);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    if (!catalog_setting_bool("transcoding.storyboards", true)) {
        return 0;
    }
    code = catalog_storyboard_get(call, video.id, &board, &has_board, err);
    code = code == 0 ? catalog_input_find(call, &video, 0, &input, &has_input, err) : code;
    if (code != 0 || has_board || !has_input) {
        return code;
    }
    code = catalog_away(catalog_transcoder_find(&service, err), false);
    const struct shoal_svc_transcoder *table = code == 0 ? service.table : NULL;
    if (code != 0 || !SHOAL_HAS(table, board)) {
        return code;
    }
    code = storyboard_make(call, job, &video, &input, &service, err);
    return code < 0 && catalog_job_is_over(call, job, err) ? 0 : code;
}
