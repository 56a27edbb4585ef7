// p2p_swarm_video.c - the videos that have swarms, and the seats of their viewers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_swarm_priv.h"

void p2p_video_unref(struct p2p_video *video)
{
    if (video && atomic_fetch_sub(&video->refs, 1) == 1) {
        free(video);
    }
}

struct p2p_video *p2p_video_ref(struct p2p_video *video)
{
    atomic_fetch_add(&video->refs, 1);
    return video;
}

static size_t place_of(const struct p2p_swarms *swarms, int64_t id)
{
    size_t low = 0, high = swarms->video_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (swarms->videos[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct p2p_video *p2p_video_get(struct p2p_swarms *swarms, int64_t id)
{
    pthread_mutex_lock(&swarms->lock);
    size_t at = place_of(swarms, id);
    bool is_known = at < swarms->video_count && swarms->videos[at]->id == id;
    if (!is_known) {
        if (swarms->video_count == swarms->video_room) {
            swarms->video_room = swarms->video_room ? swarms->video_room * 2 : 64;
            swarms->videos = realloc(swarms->videos, swarms->video_room * sizeof *swarms->videos);
            if (!swarms->videos) {
                abort();
            }
        }
        memmove(&swarms->videos[at + 1], &swarms->videos[at],
            (swarms->video_count - at) * sizeof *swarms->videos);
        struct p2p_video *video = p2p_alloc(sizeof *video);
        video->id = id;
        video->refs = 1; // of the list
        swarms->videos[at] = video;
        swarms->video_count++;
    }
    struct p2p_video *video = p2p_video_ref(swarms->videos[at]);
    pthread_mutex_unlock(&swarms->lock);
    return video;
}

static void take_out(struct p2p_swarms *swarms, size_t at)
{
    struct p2p_video *video = swarms->videos[at];
    swarms->video_count--;
    memmove(&swarms->videos[at], &swarms->videos[at + 1],
        (swarms->video_count - at) * sizeof *swarms->videos);
    atomic_store(&video->is_gone, true);
    p2p_video_unref(video);
}

void p2p_video_end(struct p2p_swarms *swarms, int64_t id)
{
    pthread_mutex_lock(&swarms->lock);
    size_t at = place_of(swarms, id);
    if (at < swarms->video_count && swarms->videos[at]->id == id) {
        take_out(swarms, at);
    }
    pthread_mutex_unlock(&swarms->lock);
}

/// One that the list alone holds has neither a swarm nor a seat. Nobody else can take it meanwhile:
/// the list is where it is found.
void p2p_videos_sweep(struct p2p_swarms *swarms)
{
    pthread_mutex_lock(&swarms->lock);
    for (size_t i = swarms->video_count; i-- > 0;) {
        if (atomic_load(&swarms->videos[i]->refs) == 1) {
            take_out(swarms, i);
        }
    }
    pthread_mutex_unlock(&swarms->lock);
}

int p2p_swarms_viewers(struct p2p_swarms *swarms, int64_t video_id)
{
    pthread_mutex_lock(&swarms->lock);
    size_t at = place_of(swarms, video_id);
    bool is_known = at < swarms->video_count && swarms->videos[at]->id == video_id;
    int viewers = is_known ? atomic_load(&swarms->videos[at]->viewers) : 0;
    pthread_mutex_unlock(&swarms->lock);
    return viewers;
}

struct p2p_seat *p2p_seat_new(struct p2p_video *video)
{
    struct p2p_seat *seat = p2p_alloc(sizeof *seat);
    seat->refs = 1;
    seat->video = p2p_video_ref(video);
    return seat;
}

struct p2p_seat *p2p_seat_ref(struct p2p_seat *seat)
{
    atomic_fetch_add(&seat->refs, 1);
    return seat;
}

void p2p_seat_unref(struct p2p_seat *seat)
{
    if (seat && atomic_fetch_sub(&seat->refs, 1) == 1) {
        p2p_video_unref(seat->video);
        free(seat->sentence);
        free(seat);
    }
}

void p2p_seat_join(struct p2p_seat *seat)
{
    if (atomic_fetch_add(&seat->joined, 1) == 0) {
        atomic_fetch_add(&seat->video->viewers, 1);
    }
}

void p2p_seat_part(struct p2p_seat *seat)
{
    if (atomic_fetch_sub(&seat->joined, 1) == 1) {
        atomic_fetch_sub(&seat->video->viewers, 1);
    }
}
