// transcode_ffmpeg_board.c - a storyboard: one picture of small ones, from a single run over the video.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <string.h>

#include "transcode_ffmpeg.h"

#define KEY_PATH_MAX 200
#define WALL_S       3600
#define JPEG_MAX     (32u << 20)
#define OUTPUT       "board.jpg"
/// Key frames of what we made are two seconds apart: for longer spans nothing else has to be decoded.
#define KEY_FRAMES_S 2.0

static bool board_fits(const struct shoal_board *board)
{
    return board->tile_width > 0 && board->tile_height > 0 && board->columns > 0 &&
           board->rows > 0 && board->count > 0 && board->columns <= 100 && board->rows <= 100 &&
           board->count <= board->columns * board->rows &&
           board->tile_width * board->columns <= TRANSCODE_SIDE_MAX &&
           board->tile_height * board->rows <= TRANSCODE_SIDE_MAX && isfinite(board->tile_s) &&
           board->tile_s > 0;
}

void transcode_board_args(struct transcode_args *args, const struct transcode_source *source,
    const struct shoal_board *board)
{
    transcode_args_begin(args);
    if (board->tile_s > KEY_FRAMES_S) {
        transcode_args_all(args, (const char *const[]){"-skip_frame", "nokey", NULL});
    }
    transcode_args_input(args, source->demuxer);
    transcode_args_file(args, source->path);
    transcode_args_add(args, "-filter_complex");
    // Of each span the frame nearest to its middle; where the film ends early its last one again.
    transcode_args_addf(args,
        "[0:%d]fps=fps=1/%.6f:start_time=0:round=near:eof_action=pass,scale=%d:%d:flags=area:out_range=pc,"
        "format=yuvj420p,setsar=1,tpad=stop=%d:stop_mode=clone,tile=layout=%dx%d[o]",
        source->video_index, board->tile_s, board->tile_width, board->tile_height,
        board->columns * board->rows, board->columns, board->rows);
    transcode_args_all(args, (const char *const[]){"-map", "[o]", "-frames:v", "1", "-c:v", "mjpeg",
                                 "-q:v", "5", NULL});
    transcode_args_bare(args);
    transcode_args_all(args, (const char *const[]){"-f", "mjpeg", OUTPUT, NULL});
}

static int board_run(struct shoal_call *call, struct transcode *self, const char *work_path,
    const struct transcode_args *args, const char *source_path, struct shoal_err *err)
{
    struct transcode_options options;
    transcode_options_read(self, call, &options);
    size_t length = strlen(work_path);
    const struct transcode_run process = {
        .program = "ffmpeg",
        .args = args,
        .key = shoal_arena_printf(shoal_call_arena(call), "board:%s",
            work_path + (length > KEY_PATH_MAX ? length - KEY_PATH_MAX : 0)),
        .work_path = work_path,
        .source_path = source_path,
        .wall_s = WALL_S,
        .memory_bytes = options.memory_bytes,
        .file_bytes = JPEG_MAX,
        .nice = options.nice,
    };
    return transcode_process(call, &process, err);
}

/// Takes the picture to where it belongs when it has the size that was asked for.
static int board_collect(
    const char *work_path, const struct shoal_board *board, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    const char *made = shoal_arena_printf(arena, "%s/" OUTPUT, work_path);
    char *bytes = NULL;
    size_t length = 0;
    int width = 0;
    int height = 0;
    int rc = transcode_file_read(arena, made, JPEG_MAX, &bytes, &length, err);
    bool is_board = rc == 0 &&
                    transcode_jpeg_size((const unsigned char *)bytes, length, &width, &height) &&
                    width == board->tile_width * board->columns &&
                    height == board->tile_height * board->rows;
    if ((rc == 0 && !is_board) || rc == SHOAL_ENOTFOUND) {
        rc = shoal_fail(err, SHOAL_EUNREADABLE, "There is no picture in this file that can be read");
    }
    rc = rc == 0 ? transcode_file_move(made, board->path, err) : rc;
    shoal_arena_free(arena);
    return rc;
}

int transcode_board(struct shoal_call *call, void *arg, const char *path, const json_t *probe,
    const struct shoal_board *board, struct shoal_err *err)
{
    struct transcode_source source;
    int rc = transcode_source_read(path, probe, &source, err);
    if (rc == 0 && (board->size < sizeof *board || !board_fits(board))) {
        rc = shoal_fail(err, SHOAL_EINVAL, "A storyboard needs tiles of a size, and a span for each");
    }
    if (rc == 0 && (source.video_index < 0 || source.picture != NULL)) {
        rc = shoal_fail(err, SHOAL_EUNREADABLE, "There is no video in this file");
    }
    if (rc != 0) {
        return rc;
    }
    const char *work_path = shoal_arena_printf(shoal_call_arena(call), "%s.work", board->path);
    rc = transcode_folder_make(work_path, err);
    if (rc != 0) {
        return rc;
    }
    struct transcode_args args;
    transcode_args_init(&args, shoal_call_arena(call));
    transcode_board_args(&args, &source, board);
    rc = board_run(call, arg, work_path, &args, path, err);
    rc = rc == 0 ? board_collect(work_path, board, err) : rc;
    rc = transcode_blame(work_path, rc, err);
    transcode_folder_remove(work_path);
    return rc;
}
