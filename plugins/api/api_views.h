// api_views.h - when does watching count as a view? In memory, bounded, told to the catalog in lots.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_VIEWS_H
#define API_VIEWS_H
#include "api.h"

#define API_VIEW_S        10             ///< seconds watched that make a view
#define API_VIEW_AGAIN_MS (3600 * 1000)  ///< a session counts once in so long
#define API_VIEW_IDLE_MS  (120 * 1000)   ///< without a word for so long, watching begins anew
#define API_VIEWERS_MAX   65536
#define API_VIEWED_MAX    4096           ///< videos with uncounted views between two flushes

/// One word of a player: where it is.
struct api_beat {
    int64_t video_id;
    int64_t duration_s;
    int64_t time_s;      ///< currentTime, 0 to duration
    bool is_seek;
    bool is_user;
    const char *session; ///< sessionId, or the address: what "one viewer" means
};

struct api_views *api_views_new(void);
void api_views_free(struct api_views *views);
/// Hears a beat at now_ms. Returns whether it made the session's watching count as a view.
bool api_views_beat(struct api_views *views, const struct api_beat *beat, int64_t now_ms);

/// How many watch a video: sessions that were heard in the last two minutes, at most 2 s old.
int64_t api_views_present(struct api_views *views, int64_t video_id, int64_t now_ms);

/// Views of one video since the last flush.
struct api_viewed {
    int64_t video_id;
    int64_t views;
    int64_t watch_s;
    int64_t logged_in;
};
/// Takes what was counted; frees nothing: out has room for API_VIEWED_MAX. Returns how many.
size_t api_views_take(struct api_views *views, struct api_viewed *out);
/// Counts again what was taken and could not be stored.
void api_views_give_back(struct api_views *views, const struct api_viewed *viewed);
/// Timer: hands the counted views to the catalog and tells video.viewed.
int api_views_flush(struct shoal_call *call, void *arg, struct shoal_err *err);
int api_views_stopping(struct shoal_call *call, const json_t *event, void *arg,
    struct shoal_err *err);

/// What is known about a video that people watch: shared for a minute, so that a beat needs no query.
struct api_watched {
    int64_t id;          ///< 0: there is no such video for the public
    int64_t duration_s;
};
bool api_views_known(struct api_views *views, const char *video, int64_t now_ms,
    struct api_watched *out);
void api_views_know(struct api_views *views, const char *video, int64_t now_ms,
    const struct api_watched *what);

#endif
