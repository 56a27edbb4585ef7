// transcode_ffmpeg.h - what the files of this plugin share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef TRANSCODE_FFMPEG_H
#define TRANSCODE_FFMPEG_H
#include <shoal/plugin.h>
#include <shoal/svc/transcoder.h>

#define TRANSCODE_RENDITIONS_MAX 16
#define TRANSCODE_IMAGES_MAX     16
#define TRANSCODE_FILTERS_MAX    4
#define TRANSCODE_SIDE_MAX       16384

/// What hangs on the plugin: the table and the way to the settings.
struct transcode {
    struct shoal_plugin *self;
    struct shoal_svc_transcoder table;
};

// ---- magic: which demuxer reads a file, decided by its first bytes -------------------------------
/// What a file is. demuxer NULL: refused, and `refusal` says why, as "this is …".
struct transcode_magic {
    const char *demuxer;
    const char *refusal;
};
/// Looks at bytes; total_bytes is the size of the whole file.
struct transcode_magic transcode_magic_of(const unsigned char *bytes, size_t length,
    uint64_t total_bytes);
/// The same for a file. SHOAL_EUNREADABLE with a sentence for the uploader.
int transcode_magic_read(const char *path, const char **demuxer, struct shoal_err *err);

// ---- codecs ---------------------------------------------------------------------------------------
/// Decoders that may run at all, for -codec_whitelist.
const char *transcode_decoders(void);
bool transcode_video_known(const char *codec);
bool transcode_audio_known(const char *codec);
/// Whether browsers play it in an MP4 file as it is.
bool transcode_video_plays(const char *codec, const char *profile, const char *pixel_format);
bool transcode_audio_plays(const char *codec);

// ---- source: the part of a probe that command lines are made from ----------------------------------
struct transcode_rate {
    int64_t num, den;
};
struct transcode_picture_kind {
    const char *name, *demuxer, *decoder;
};
struct transcode_source {
    const char *path;
    const char *demuxer;      ///< from our table
    const struct transcode_picture_kind *picture; ///< a picture of a user, or NULL: video or audio
    double duration_s;
    int video_index;          ///< -1: none; index among all streams
    int audio_index;
    int cover_index;
    int width, height;        ///< as shown
    int cover_width, cover_height;
    struct transcode_rate fps;
    bool is_variable_fps;
    bool is_interlaced;
    bool is_rgb;
    bool has_color;           ///< says which colour matrix it uses
    const char *video_codec, *video_profile, *pixel_format, *audio_codec; ///< borrowed from the probe
};
/// Reads a probe back, bounded; it may come from the database.
int transcode_source_read(const char *path, const json_t *probe, struct transcode_source *source,
    struct shoal_err *err);

// ---- probe -------------------------------------------------------------------------------------
/// ffprobe's answer as the contract wants it; a new reference.
json_t *transcode_probe_normal(const json_t *raw, struct shoal_err *err);
/// "30000/1001" or "25"; false for anything else and for 0.
bool transcode_rate_parse(const char *text, struct transcode_rate *rate);
double transcode_rate_value(struct transcode_rate rate);
int transcode_probe(struct shoal_call *call, void *arg, const char *path, json_t **probe,
    struct shoal_err *err);

// ---- arguments ---------------------------------------------------------------------------------
/// A command line in an arena; NULL-ended at all times. Every item is ours or a number.
struct transcode_args {
    struct shoal_arena *arena;
    const char **items;
    size_t count, room;
};
void transcode_args_init(struct transcode_args *args, struct shoal_arena *arena);
void transcode_args_add(struct transcode_args *args, const char *item);
void transcode_args_addf(struct transcode_args *args, const char *format, ...) SHOAL_PRINTF(2, 3);
/// Several items, NULL-ended.
void transcode_args_all(struct transcode_args *args, const char *const *items);
/// What stands before every input: what may be read, and by which demuxer.
void transcode_args_demuxer(struct transcode_args *args, const char *demuxer);
/// The same, and with which decoders; for ffmpeg.
void transcode_args_input(struct transcode_args *args, const char *demuxer);
/// The same for a picture: its demuxer and its one decoder.
void transcode_args_picture(struct transcode_args *args, const struct transcode_picture_kind *kind);
/// The input itself.
void transcode_args_file(struct transcode_args *args, const char *path);
/// What each run of ffmpeg begins with.
void transcode_args_begin(struct transcode_args *args);
/// Nothing of the source's metadata, and nothing about us.
void transcode_args_bare(struct transcode_args *args);

// ---- processes ---------------------------------------------------------------------------------
/// A short run: started (or, with a key that runs already, adopted), waited for, forgotten.
struct transcode_run {
    const char *program;
    const struct transcode_args *args;
    const char *key;
    const char *work_path;
    const char *source_path;
    const char *output_name;   ///< file in work_path for stdout, or NULL
    uint32_t wall_s;
    uint64_t memory_bytes, file_bytes;
    int nice;
};
int transcode_process(struct shoal_call *call, const struct transcode_run *run,
    struct shoal_err *err);
/// Starts it without waiting. SHOAL_ECONFLICT: it runs already.
int transcode_process_start(struct shoal_call *call, const struct transcode_run *run,
    struct shoal_err *err);
/// What an ended process means: 0, or an error with a sentence; ffmpeg's words go to the log.
int transcode_process_result(struct shoal_call *call, const char *program, const char *work_path,
    const struct shoal_process_state *state, struct shoal_err *err);
/// The error that ffmpeg's words stand for; 0 when they are not known.
int transcode_words_mean(const char *words, struct shoal_err *err);

// ---- folders and files ----------------------------------------------------------------------------
/// A folder for one run; "" on failure. Made anew (name NULL) below the instance's tmp, or at path.
int transcode_folder_make(const char *path, struct shoal_err *err);
/// Removes the folder and the files in it (it has no folders).
void transcode_folder_remove(const char *path);
/// The code of what failed in a work folder, or SHOAL_EFULL: on a full disk ffmpeg's results are cut
/// off, its words are lost, and the file of a stranger looks broken that is not.
int transcode_blame(const char *work_path, int code, struct shoal_err *err);
/// Zeroed memory as long as the arena lives, for what is as large as somebody's file. NULL with
/// SHOAL_EBUSY.
void *transcode_large(struct shoal_arena *arena, size_t bytes, struct shoal_err *err);
/// A whole file, at most `limit` bytes, as long as the arena lives. SHOAL_ENOTFOUND,
/// SHOAL_ETOOLARGE, SHOAL_EIO, SHOAL_EBUSY.
int transcode_file_read(struct shoal_arena *arena, const char *path, size_t limit, char **text,
    size_t *length, struct shoal_err *err);
/// The last bytes of a file, in the arena; "" where there is none.
const char *transcode_file_tail(struct shoal_arena *arena, const char *path, size_t bytes);
int64_t transcode_file_size(const char *path);
/// Brings the bytes of a file to the disk.
int transcode_file_sync(const char *path, struct shoal_err *err);
/// Moves a file, by copying where it must.
int transcode_file_move(const char *from, const char *to, struct shoal_err *err);
int transcode_file_write(const char *path, const void *data, size_t length, struct shoal_err *err);

// ---- remux, images -----------------------------------------------------------------------------
void transcode_remux_args(struct transcode_args *args, const struct transcode_source *source,
    const char *out_name);
int transcode_remux(struct shoal_call *call, void *arg, const char *path, const json_t *probe,
    const char *out_path, const char *key, struct shoal_err *err);
/// Overwrites what the camera wrote into an H.264 stream beside the picture (place, time, serial
/// number): user data SEI of the MP4 file at path. Counts what it overwrote; or a negative error.
int64_t transcode_scrub(const char *path, struct shoal_err *err);

/// The size of the picture that fits the box, never larger than the source.
void transcode_image_fit(int source_width, int source_height, struct shoal_image *image);
void transcode_images_args(struct transcode_args *args, const struct transcode_source *source,
    double at_s, bool picks, const struct shoal_image *images, size_t count);
int transcode_images(struct shoal_call *call, void *arg, const char *path, const json_t *probe,
    double at_s, struct shoal_image *images, size_t count, struct shoal_err *err);
/// Width and height that a JPEG file says it has.
bool transcode_jpeg_size(const unsigned char *bytes, size_t length, int *width, int *height);

void transcode_board_args(struct transcode_args *args, const struct transcode_source *source,
    const struct shoal_board *board);
int transcode_board(struct shoal_call *call, void *arg, const char *path, const json_t *probe,
    const struct shoal_board *board, struct shoal_err *err);

/// What a picture is by its first bytes, and its size; NULL: none that we read.
const struct transcode_picture_kind *transcode_picture_of(const unsigned char *bytes, size_t length,
    int *width, int *height);
/// The part of a source that pictures have. SHOAL_EUNREADABLE with a sentence for the uploader.
int transcode_picture_read(const char *path, struct transcode_source *source,
    struct shoal_err *err);
int transcode_probe_image(struct shoal_call *call, void *arg, const char *path, json_t **probe,
    struct shoal_err *err);

// ---- plan and ladder -----------------------------------------------------------------------------
/// One rendition of a run, ready for the command line.
struct transcode_rung {
    int resolution;            ///< as asked for; 0: audio alone
    int width, height;
    struct transcode_rate fps;
    int64_t bitrate_bps;       ///< most; 0: by size and rate
    bool has_video, has_audio;
    const char *encoder, *preset;       ///< from our lists
    int quality;                        ///< crf
    const char *filters[TRANSCODE_FILTERS_MAX]; ///< ffmpeg's text, from our list
    size_t filter_count;
};
struct transcode_ladder {
    struct transcode_rung rungs[TRANSCODE_RENDITIONS_MAX];
    size_t count;
    int threads;
    int64_t audio_bitrate_bps;
    const char *aac_encoder;
};
/// What the administrator set.
struct transcode_options {
    const char *preset;
    int quality;
    int threads;
    int fps_max;
    int64_t audio_bitrate_bps;
    uint64_t memory_bytes;
    int nice;
    uint32_t wall_s;
};
void transcode_options_read(struct transcode *self, struct shoal_call *call,
    struct transcode_options *options);
/// Whether we would do this plan.
bool transcode_plan_fits(const json_t *plan, struct shoal_err *err);
int transcode_plan_read(const json_t *plan, const struct transcode_source *source,
    const struct transcode_options *options, struct transcode_ladder *ladder,
    struct shoal_err *err);
/// Lets plugins change how one rendition is encoded (filter transcode.encode).
void transcode_plan_ask(struct shoal_call *call, const json_t *probe,
    struct transcode_ladder *ladder);
/// Takes over what a filter said, as far as it stands in our lists. Returns: whether all did.
bool transcode_rung_apply(struct transcode_rung *rung, const json_t *value);
/// The size of a rendition by its short side: even, never larger than the source.
void transcode_fit(int width, int height, int resolution, int *out_width, int *out_height);
/// The rate at which frames leave: constant, at most max.
struct transcode_rate transcode_rate_choose(struct transcode_rate source, bool is_variable,
    double max);
/// The most bits a second that a picture of this size and rate should need.
int64_t transcode_bitrate(int width, int height, double fps);

/// File names of a rendition in the work folder: "r720.mp4", "r720.m3u8", "r720.final.m3u8".
const char *transcode_rung_name(struct shoal_arena *arena, const struct transcode_rung *rung,
    const char *suffix);
void transcode_ladder_args(struct transcode_args *args, const struct transcode_source *source,
    const struct transcode_ladder *ladder);
int transcode_takes(struct shoal_call *call, void *arg, const json_t *probe, const json_t *plan);
int transcode_run(struct shoal_call *call, void *arg, const struct shoal_transcode *what,
    struct shoal_err *err);
/// Microseconds of output in the newest block of a progress file's tail; -1: none yet.
int64_t transcode_progress_us(const char *tail);

// ---- playlists and boxes ------------------------------------------------------------------------
struct transcode_segment {
    double duration_s;
    uint64_t offset, length;
};
struct transcode_playlist {
    struct transcode_segment *segments;
    size_t count;
    uint64_t map_offset, map_length;
    double duration_s;
};
/// Parses what ffmpeg wrote: one file with byte ranges inside media_bytes, ended.
int transcode_playlist_parse(struct shoal_arena *arena, const char *text, size_t length,
    uint64_t media_bytes, struct transcode_playlist *playlist, struct shoal_err *err);
/// What a player must be able to take in: the bits per second of the heaviest segment that is at least
/// half as long as the longest (RFC 8216, BANDWIDTH).
int64_t transcode_playlist_peak_bps(const struct transcode_playlist *playlist);

/// Writes it as clients want it: every range explicit, every line naming "media.mp4".
int transcode_playlist_write(const struct transcode_playlist *playlist, struct shoal_buf *out);

/// "avc1.64001f,mp4a.40.2" of an init segment, in the arena.
int transcode_codecs_of(struct shoal_arena *arena, const unsigned char *init, size_t length,
    const char **codecs, struct shoal_err *err);
/// One box of an MP4 file: its name, and its content.
struct transcode_box {
    char name[5];
    const unsigned char *data;
    size_t length;
};
/// Takes the next box of *cursor; false at the end or where the bytes are not boxes.
bool transcode_box_next(const unsigned char **cursor, const unsigned char *end,
    struct transcode_box *box);
/// The first box of that path ("moov/trak/mdia") below data.
bool transcode_box_find(const unsigned char *data, size_t length, const char *path,
    struct transcode_box *box);

#endif
