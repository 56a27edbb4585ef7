// swarm_video.c - the videos that have swarms, and the seats of their viewers.
// SPDX-License-Identifier: MIT
#include "swarm_priv.h"

void swarm_video_unref(struct swarm_video *video)
{
    if (video && atomic_fetch_sub(&video->refs, 1) == 1) {
        free(video);
    }
}

struct swarm_video *swarm_video_ref(struct swarm_video *video)
{
    atomic_fetch_add(&video->refs, 1);
    return video;
}

static size_t place_of(const struct swarms *swarms, int64_t id)
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

struct swarm_video *swarm_video_get(struct swarms *swarms, int64_t id)
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
        struct swarm_video *video = swarm_alloc(sizeof *video);
        video->id = id;
        video->refs = 1; // of the list
        swarms->videos[at] = video;
        swarms->video_count++;
    }
    struct swarm_video *video = swarm_video_ref(swarms->videos[at]);
    pthread_mutex_unlock(&swarms->lock);
    return video;
}

static void take_out(struct swarms *swarms, size_t at)
{
    struct swarm_video *video = swarms->videos[at];
    swarms->video_count--;
    memmove(&swarms->videos[at], &swarms->videos[at + 1],
        (swarms->video_count - at) * sizeof *swarms->videos);
    atomic_store(&video->is_gone, true);
    swarm_video_unref(video);
}

void swarm_video_end(struct swarms *swarms, int64_t id)
{
    pthread_mutex_lock(&swarms->lock);
    while (id == 0 && swarms->video_count > 0) {
        take_out(swarms, swarms->video_count - 1);
    }
    size_t at = place_of(swarms, id);
    if (at < swarms->video_count && swarms->videos[at]->id == id) {
        take_out(swarms, at);
    }
    pthread_mutex_unlock(&swarms->lock);
}

/// One that the list alone holds has neither a swarm nor a seat. Nobody else can take it meanwhile:
/// the list is where it is found.
void swarm_videos_sweep(struct swarms *swarms)
{
    pthread_mutex_lock(&swarms->lock);
    for (size_t i = swarms->video_count; i-- > 0;) {
        if (atomic_load(&swarms->videos[i]->refs) == 1) {
            take_out(swarms, i);
        }
    }
    pthread_mutex_unlock(&swarms->lock);
}

int swarms_viewers(struct swarms *swarms, int64_t video_id)
{
    pthread_mutex_lock(&swarms->lock);
    size_t at = place_of(swarms, video_id);
    bool is_known = at < swarms->video_count && swarms->videos[at]->id == video_id;
    int viewers = is_known ? atomic_load(&swarms->videos[at]->viewers) : 0;
    pthread_mutex_unlock(&swarms->lock);
    return viewers;
}

struct swarm_seat *swarm_seat_new(struct swarm_video *video)
{
    struct swarm_seat *seat = swarm_alloc(sizeof *seat);
    seat->refs = 1;
    seat->video = swarm_video_ref(video);
    return seat;
}

struct swarm_seat *swarm_seat_ref(struct swarm_seat *seat)
{
    atomic_fetch_add(&seat->refs, 1);
    return seat;
}

void swarm_seat_unref(struct swarm_seat *seat)
{
    if (seat && atomic_fetch_sub(&seat->refs, 1) == 1) {
        swarm_video_unref(seat->video);
        free(seat->sentence);
        free(seat);
    }
}

void swarm_seat_join(struct swarm_seat *seat)
{
    if (atomic_fetch_add(&seat->joined, 1) == 0) {
        atomic_fetch_add(&seat->video->viewers, 1);
    }
}

void swarm_seat_part(struct swarm_seat *seat)
{
    if (atomic_fetch_sub(&seat->joined, 1) == 1) {
        atomic_fetch_sub(&seat->video->viewers, 1);
    }
}
