// transcode_ffmpeg_images.c - thumbnail and preview from one run, from a frame, a cover or the sound.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <string.h>

#include "transcode_ffmpeg.h"

#define KEY_PATH_MAX 200 // a key has at most 255 bytes, and the end of a path says which it is
#define WALL_S    300
#define PICK_FROM 30
#define JPEG_MAX  (32u << 20)
#define WAVE_S    120

static int whole_side(double side)
{
    // Rounded down: 16:9 in 280 gives 157, and no picture leaves its box.
    int whole = (int)floor(side + 0.001);
    return whole < 1 ? 1 : whole;
}

void transcode_image_fit(int source_width, int source_height, struct shoal_image *image)
{
    double scale = 1;
    if (image->width > 0) {
        scale = fmin(scale, (double)image->width / source_width);
    }
    if (image->height > 0) {
        scale = fmin(scale, (double)image->height / source_height);
    }
    image->out_width = whole_side(source_width * scale);
    image->out_height = whole_side(source_height * scale);
}

enum origin { FROM_VIDEO, FROM_COVER, FROM_SOUND, FROM_PICTURE };

static enum origin origin_of(const struct transcode_source *source)
{
    return source->picture != NULL    ? FROM_PICTURE
           : source->video_index >= 0 ? FROM_VIDEO
           : source->cover_index >= 0 ? FROM_COVER
                                      : FROM_SOUND;
}

static void size_of(const struct transcode_source *source, int *width, int *height)
{
    enum origin origin = origin_of(source);
    bool is_picture = origin == FROM_VIDEO || origin == FROM_PICTURE;
    *width = is_picture ? source->width : origin == FROM_COVER ? source->cover_width : 1280;
    *height = is_picture ? source->height : origin == FROM_COVER ? source->cover_height : 720;
}

/// The picture in the size of the largest image; the filter that picks a frame then keeps small ones.
static void first_chain(struct shoal_buf *graph, const struct transcode_source *source, bool picks,
    int width, int height)
{
    switch (origin_of(source)) {
    case FROM_VIDEO:
    case FROM_COVER:
        shoal_buf_printf(graph, "[0:%d]scale=%d:%d:flags=area,setsar=1%s",
            origin_of(source) == FROM_VIDEO ? source->video_index : source->cover_index, width,
            height, picks ? ",thumbnail=n=" : "");
        if (picks) {
            shoal_buf_printf(graph, "%d", PICK_FROM);
        }
        break;
    case FROM_SOUND:
        // Neutral, and yet each recording has its own: the shape of its sound.
        shoal_buf_printf(graph,
            "color=c=0x22303c:s=%dx%d:r=1:d=1[b];[0:%d]atrim=end=%d,"
            "aformat=channel_layouts=mono,showwavespic=s=%dx%d:colors=0x9fc3d6[w];"
            "[b][w]overlay=format=auto",
            width, height, source->audio_index, WAVE_S, width, height);
        break;
    case FROM_PICTURE:
        // Cameras lay pictures on their side and say so; what shows is then turned already.
        shoal_buf_printf(graph, "[0:0]setsar=1");
        break;
    }
}

/// The box that a user's picture goes into, whichever way it is turned, and never scaled up.
static void picture_scale(struct shoal_buf *graph, const struct shoal_image *image)
{
    if (image->covers && image->width > 0 && image->height > 0) {
        shoal_buf_printf(graph, "crop=w='min(iw,ih*%d/%d)':h='min(ih,iw*%d/%d)',", image->width,
            image->height, image->height, image->width);
    }
    shoal_buf_printf(graph, "scale=w='min(iw,%d)':h='min(ih,%d)':%sflags=area:out_range=pc",
        image->width > 0 ? image->width : TRANSCODE_SIDE_MAX,
        image->height > 0 ? image->height : TRANSCODE_SIDE_MAX,
        image->covers ? "" : "force_original_aspect_ratio=decrease:");
}

static const char *graph_make(struct shoal_arena *arena, const struct transcode_source *source,
    bool picks, const struct shoal_image *images, size_t count)
{
    int width = 0;
    int height = 0;
    for (size_t i = 0; i < count; i++) {
        width = images[i].out_width > width ? images[i].out_width : width;
        height = images[i].out_height > height ? images[i].out_height : height;
    }
    struct shoal_buf graph = {0};
    first_chain(&graph, source, picks, width, height);
    shoal_buf_printf(&graph, ",split=%zu", count);
    for (size_t i = 0; i < count; i++) {
        shoal_buf_printf(&graph, "[s%zu]", i);
    }
    for (size_t i = 0; i < count; i++) {
        shoal_buf_printf(&graph, ";[s%zu]", i);
        if (origin_of(source) == FROM_PICTURE) {
            picture_scale(&graph, &images[i]);
        } else {
            shoal_buf_printf(&graph, "scale=%d:%d:flags=area:out_range=pc", images[i].out_width,
                images[i].out_height);
        }
        shoal_buf_printf(&graph, ",format=yuvj420p[o%zu]", i);
    }
    const char *text = shoal_arena_strndup(arena, graph.data, graph.length);
    shoal_buf_fini(&graph);
    return text;
}

void transcode_images_args(struct transcode_args *args, const struct transcode_source *source,
    double at_s, bool picks, const struct shoal_image *images, size_t count)
{
    transcode_args_begin(args);
    if (source->picture != NULL) {
        transcode_args_picture(args, source->picture);
    } else {
        transcode_args_input(args, source->demuxer);
    }
    if (origin_of(source) == FROM_VIDEO && at_s > 0) {
        transcode_args_add(args, "-ss");
        transcode_args_addf(args, "%.3f", at_s);
    }
    transcode_args_file(args, source->path);
    transcode_args_add(args, "-filter_complex");
    transcode_args_add(args, graph_make(args->arena, source, picks, images, count));
    for (size_t i = 0; i < count; i++) {
        transcode_args_add(args, "-map");
        transcode_args_addf(args, "[o%zu]", i);
        transcode_args_all(args,
            (const char *const[]){"-frames:v", "1", "-c:v", "mjpeg", "-q:v", "3", NULL});
        transcode_args_bare(args);
        transcode_args_all(args, (const char *const[]){"-f", "mjpeg", NULL});
        transcode_args_addf(args, "image%zu.jpg", i);
    }
}

bool transcode_jpeg_size(const unsigned char *bytes, size_t length, int *width, int *height)
{
    if (length < 4 || bytes[0] != 0xff || bytes[1] != 0xd8) {
        return false;
    }
    size_t at = 2;
    while (at + 9 < length && bytes[at] == 0xff) {
        unsigned char marker = bytes[at + 1];
        bool is_frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
                        marker != 0xcc;
        if (is_frame) {
            *height = (bytes[at + 5] << 8) | bytes[at + 6];
            *width = (bytes[at + 7] << 8) | bytes[at + 8];
            return *width > 0 && *height > 0;
        }
        at += 2 + (size_t)((bytes[at + 2] << 8) | bytes[at + 3]);
    }
    return false;
}

struct job {
    struct shoal_call *call;
    struct transcode *self;
    const struct transcode_source *source;
    struct shoal_image *images;
    size_t count;
    const char *work_path;
};

static int run(const struct job *job, double at_s, bool picks, struct shoal_err *err)
{
    struct transcode_options options;
    transcode_options_read(job->self, job->call, &options);
    struct transcode_args args;
    transcode_args_init(&args, shoal_call_arena(job->call));
    transcode_images_args(&args, job->source, at_s, picks, job->images, job->count);
    size_t length = strlen(job->work_path);
    const struct transcode_run process = {
        .program = "ffmpeg",
        .args = &args,
        // One program writes in a folder: what a server started that was killed is waited for.
        .key = shoal_arena_printf(shoal_call_arena(job->call), "images:%s",
            job->work_path + (length > KEY_PATH_MAX ? length - KEY_PATH_MAX : 0)),
        .work_path = job->work_path,
        .source_path = job->source->path,
        .wall_s = WALL_S,
        .memory_bytes = options.memory_bytes,
        .file_bytes = JPEG_MAX,
        .nice = options.nice,
    };
    return transcode_process(job->call, &process, err);
}

/// Takes the pictures to where they belong. SHOAL_ENOTFOUND: ffmpeg made none.
static int collect(const struct job *job, struct shoal_err *err)
{
    for (size_t i = 0; i < job->count; i++) {
        struct shoal_arena *arena = shoal_arena_new(0);
        const char *made = shoal_arena_printf(arena, "%s/image%zu.jpg", job->work_path, i);
        char *bytes = NULL;
        size_t length = 0;
        struct shoal_image *image = &job->images[i];
        int rc = transcode_file_read(arena, made, JPEG_MAX, &bytes, &length, err);
        if (rc == 0 && !transcode_jpeg_size((const unsigned char *)bytes, length,
                           &image->out_width, &image->out_height)) {
            rc = shoal_fail(err, SHOAL_ENOTFOUND, "There is no picture in this file");
        }
        if (rc == 0) {
            rc = transcode_file_move(made, image->path, err);
        }
        shoal_arena_free(arena);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int make(const struct job *job, double at_s, struct shoal_err *err)
{
    bool is_video = origin_of(job->source) == FROM_VIDEO;
    int rc = run(job, at_s, is_video, err);
    rc = rc == 0 ? collect(job, err) : rc;
    bool may_try = rc == SHOAL_ENOTFOUND || rc == SHOAL_EUNREADABLE;
    if (may_try && is_video) {
        // Nothing behind that moment, or damage there: the first frame will do.
        rc = run(job, 0, false, err);
        rc = rc == 0 ? collect(job, err) : rc;
    }
    if (rc == SHOAL_ENOTFOUND) {
        rc = shoal_fail(err, SHOAL_EUNREADABLE, "There is no picture in this file that can be read");
    }
    return transcode_blame(job->work_path, rc, err);
}

int transcode_images(struct shoal_call *call, void *arg, const char *path, const json_t *probe,
    double at_s, struct shoal_image *images, size_t count, struct shoal_err *err)
{
    if (count == 0 || count > TRANSCODE_IMAGES_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "One run makes 1 to %d pictures",
            TRANSCODE_IMAGES_MAX);
    }
    struct transcode_source source;
    int rc = transcode_source_read(path, probe, &source, err);
    if (rc != 0) {
        return rc;
    }
    int width = 0;
    int height = 0;
    size_of(&source, &width, &height);
    for (size_t i = 0; i < count; i++) {
        transcode_image_fit(width, height, &images[i]);
    }
    const char *work_path = shoal_arena_printf(shoal_call_arena(call), "%s.work", images[0].path);
    rc = transcode_folder_make(work_path, err);
    if (rc != 0) {
        return rc;
    }
    const struct job job = {call, arg, &source, images, count, work_path};
    double latest_s = source.duration_s > 0 ? source.duration_s : at_s;
    rc = make(&job, isfinite(at_s) && at_s > 0 ? fmin(at_s, latest_s) : 0, err);
    if (rc == SHOAL_EUNREADABLE && origin_of(&source) == FROM_COVER && source.audio_index >= 0) {
        // A cover that cannot be read is no reason to have no picture.
        source.cover_index = -1;
        for (size_t i = 0; i < count; i++) {
            transcode_image_fit(1280, 720, &images[i]);
        }
        rc = make(&job, 0, err);
    }
    transcode_folder_remove(work_path);
    return rc;
}
