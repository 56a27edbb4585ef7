// svc/transcoder.h - the contract of `transcoder`: probing, remuxing, pictures and renditions.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_TRANSCODER_H
#define SHOAL_SVC_TRANSCODER_H
#include <jansson.h>

#include <shoal/version.h>

/// A picture to be made: JPEG, no larger than the box, with the frame's aspect ratio, or of a picture
/// also with that of the box. Frozen, as it travels in arrays.
struct shoal_image {
    const char *path; ///< where it goes
    int width;        ///< wanted; never scaled up beyond the source. 0: by height
    int height;
    int out_width, out_height; ///< out
    bool covers; ///< the aspect ratio of the box: what stands out of its middle is cut off
};

/// A picture of small ones to be made, one for each span of a video: a JPEG of columns times rows tiles, in
/// reading order; what is left of the last row shows the last moment again.
struct shoal_board {
    size_t size;      ///< sizeof(struct shoal_board)
    const char *path; ///< where it goes
    int tile_width, tile_height;
    int columns, rows, count; ///< count: of tiles, at most columns times rows
    double tile_s;            ///< the span of one
};

/// One finished rendition: an fMP4 file and its media playlist, in the work folder. Playlist lines
/// name the media file as "media.mp4"; the core gives both their public names.
struct shoal_rendition {
    size_t size;               ///< sizeof(struct shoal_rendition)
    int resolution;            ///< the short side as asked for; 0: audio alone
    int width, height;
    double fps;
    bool has_video, has_audio;
    const char *media_path;
    const char *playlist_path;
    const char *codecs;        ///< RFC 6381: "avc1.64001f,mp4a.40.2"
    int64_t bitrate_bps;       ///< measured: of the heaviest segment
};

/// One run over a source.
struct shoal_transcode {
    const char *key;          ///< the same after a restart: the provider adopts what still runs
    const char *source_path;  ///< local file
    const char *work_path;    ///< folder of this job; the core empties and removes it
    const json_t *probe;      ///< what probe() said
    const json_t *plan;       ///< [{resolution, fps, video_codec, audio_codec, bitrate_bps}]
    void *user;               ///< for the two calls below
    /// [worker] Percent of the whole; returns SHOAL_ECANCELLED when the run must stop.
    int (*progress)(void *user, int percent);
    /// [worker] A rendition is done; call at most once each, in any order. Repeats after a restart are
    /// fine. Returns 0 or a negative error, upon which the run should fail.
    int (*ready)(void *user, const struct shoal_rendition *rendition, struct shoal_err *err);
};

/// All calls run on a worker and block until done, cancelled or past the call's deadline.
struct shoal_svc_transcoder {
    size_t size; ///< sizeof(struct shoal_svc_transcoder)
    /// Reads a file of a stranger. *probe: {duration (s), format, bitrate_bps,
    /// video: null or {codec, profile, width, height (as shown, after rotation), rotation, fps,
    /// pixel_format, bit_depth, is_variable_fps}, audio: null or {codec, channels, sample_rate},
    /// has_cover (attached picture), raw: ffprobe's {streams, format, chapters}}.
    /// SHOAL_EUNREADABLE with a sentence for the uploader where it is no video or audio.
    int (*probe)(struct shoal_call *call, void *arg, const char *path, json_t **probe,
        struct shoal_err *err);
    /// Copies first video and audio into an MP4 that plays while it loads, without any metadata.
    /// SHOAL_EUNSUPPORTED where the codecs do not go into one.
    int (*remux)(struct shoal_call *call, void *arg, const char *path, const json_t *probe,
        const char *out_path, const char *key, struct shoal_err *err);
    /// Pictures of one moment (or of the cover, for audio), in one run; or of a picture, where the
    /// probe is what probe_image() said.
    int (*images)(struct shoal_call *call, void *arg, const char *path, const json_t *probe,
        double at_s, struct shoal_image *images, size_t count, struct shoal_err *err);
    /// Whether it would do this plan: 0, or SHOAL_EUNSUPPORTED and the next provider is asked.
    int (*takes)(struct shoal_call *call, void *arg, const json_t *probe, const json_t *plan);
    /// Makes every rendition of the plan. 0 when all were handed over, SHOAL_LATER when another will
    /// hand them over by shoal_rendition_done(), or a negative error.
    int (*run)(struct shoal_call *call, void *arg, const struct shoal_transcode *what,
        struct shoal_err *err);
    /// Reads a picture of a stranger (JPEG, PNG, WebP), which images() then makes smaller. *probe:
    /// {picture: {format, width, height}}. SHOAL_EUNREADABLE with a sentence for the uploader.
    /// NULL, or missing by size: it reads none.
    int (*probe_image)(struct shoal_call *call, void *arg, const char *path, json_t **probe,
        struct shoal_err *err);
    /// A storyboard of a video. SHOAL_EUNREADABLE where there is no picture in it. NULL, or missing by
    /// size: it makes none.
    int (*board)(struct shoal_call *call, void *arg, const char *path, const json_t *probe,
        const struct shoal_board *board, struct shoal_err *err);
};

#endif
