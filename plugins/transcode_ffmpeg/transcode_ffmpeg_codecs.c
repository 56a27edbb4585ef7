// transcode_ffmpeg_codecs.c - which codecs are read, and which of them browsers play as they are.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "transcode_ffmpeg.h"

/// ffprobe's name, the decoders that may read it, and whether it plays in an MP4 in browsers.
struct codec {
    const char *name;
    bool is_video;
    bool plays;
};

static const struct codec codecs[] = {
    {"h264", true, true},
    {"vp9", true, true},
    {"av1", true, true},
    {"hevc", true, false},
    {"vp8", true, false},
    {"theora", true, false},
    {"mpeg4", true, false},
    {"mpeg1video", true, false},
    {"mpeg2video", true, false},
    {"h263", true, false},
    {"msmpeg4v2", true, false},
    {"msmpeg4v3", true, false},
    {"wmv1", true, false},
    {"wmv2", true, false},
    {"wmv3", true, false},
    {"vc1", true, false},
    {"flv1", true, false},
    {"vp6f", true, false},
    {"mjpeg", true, false},
    {"prores", true, false},
    {"dnxhd", true, false},
    {"dvvideo", true, false},
    {"ffv1", true, false},
    {"huffyuv", true, false},
    {"utvideo", true, false},
    {"rawvideo", true, false},
    {"qtrle", true, false},
    {"png", true, false},
    {"aac", false, true},
    {"mp3", false, true},
    {"opus", false, true},
    {"flac", false, true},
    {"vorbis", false, false},
    {"ac3", false, false},
    {"eac3", false, false},
    {"dts", false, false},
    {"mp2", false, false},
    {"alac", false, false},
    {"wmav1", false, false},
    {"wmav2", false, false},
    {"wmapro", false, false},
    {"amr_nb", false, false},
    {"amr_wb", false, false},
    {"adpcm_ms", false, false},
    {"adpcm_ima_wav", false, false},
    {"pcm_s16le", false, false},
    {"pcm_s16be", false, false},
    {"pcm_s24le", false, false},
    {"pcm_s24be", false, false},
    {"pcm_s32le", false, false},
    {"pcm_s32be", false, false},
    {"pcm_f32le", false, false},
    {"pcm_f32be", false, false},
    {"pcm_u8", false, false},
    {"pcm_s8", false, false},
    {"pcm_alaw", false, false},
    {"pcm_mulaw", false, false},
};

/// Names of decoders; most are called as their codec is. A subtitle or data stream has none here, so
/// nothing of it is ever decoded.
static const char decoders[] =
    "h264,vp9,libvpx-vp9,libdav1d,libaom-av1,av1,hevc,vp8,libvpx,theora,mpeg4,mpeg1video,mpeg2video,"
    "h263,msmpeg4v2,msmpeg4,wmv1,wmv2,wmv3,vc1,flv,vp6f,mjpeg,prores,dnxhd,dvvideo,ffv1,huffyuv,"
    "utvideo,rawvideo,qtrle,png,"
    "aac,aac_latm,mp3float,mp3,opus,libopus,flac,vorbis,libvorbis,ac3,eac3,dca,mp2float,mp2,alac,"
    "wmav1,wmav2,wmapro,amrnb,amrwb,adpcm_ms,adpcm_ima_wav,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_u8,pcm_s8,"
    "pcm_alaw,pcm_mulaw";

const char *transcode_decoders(void)
{
    return decoders;
}

static const struct codec *find(const char *name, bool is_video)
{
    for (size_t i = 0; name != NULL && i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (codecs[i].is_video == is_video && strcmp(codecs[i].name, name) == 0) {
            return &codecs[i];
        }
    }
    return NULL;
}

bool transcode_video_known(const char *codec)
{
    return find(codec, true) != NULL;
}

bool transcode_audio_known(const char *codec)
{
    return find(codec, false) != NULL;
}

bool transcode_video_plays(const char *codec, const char *profile, const char *pixel_format)
{
    const struct codec *row = find(codec, true);
    if (row == NULL || !row->plays || pixel_format == NULL) {
        return false;
    }
    bool is_8_bit = strcmp(pixel_format, "yuv420p") == 0 || strcmp(pixel_format, "yuvj420p") == 0;
    if (strcmp(codec, "h264") == 0) {
        // "High 10", "High 4:2:2" and the Intra profiles are for cameras, not for browsers.
        static const char *const profiles[] = {"Constrained Baseline", "Baseline", "Main", "High",
            "Constrained High", "Progressive High"};
        for (size_t i = 0; profile != NULL && i < sizeof(profiles) / sizeof(profiles[0]); i++) {
            if (strcmp(profile, profiles[i]) == 0) {
                return is_8_bit;
            }
        }
        return false;
    }
    return is_8_bit || strcmp(pixel_format, "yuv420p10le") == 0;
}

bool transcode_audio_plays(const char *codec)
{
    const struct codec *row = find(codec, false);
    return row != NULL && row->plays;
}
