// playback_metrics.c - what /metrics says of reports. Bytes are what players say, and labelled so.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "playback.h"

static struct shoal_metric downloaded = {.name = "playback_reported_bytes",
    .help = "Bytes of videos that players report they got, by where from",
    .kind = SHOAL_COUNTER,
    .label = "source"};
static struct shoal_metric uploaded = {.name = "playback_reported_uploaded_bytes",
    .help = "Bytes of videos that players report they gave to others",
    .kind = SHOAL_COUNTER};
static struct shoal_metric reports = {.name = "playback_reports",
    .help = "Reports of players about their bytes, taken and refused",
    .kind = SHOAL_COUNTER,
    .label = "result"};
static struct shoal_metric peers = {.name = "playback_watched_peers",
    .help = "Peers that are connected for the videos that had reports before the last count",
    .kind = SHOAL_GAUGE};

void playback_metrics_add(struct shoal_plugin *self)
{
    static struct shoal_metric *const all[] = {&downloaded, &uploaded, &reports, &peers};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        shoal_metric_add_to(self, all[i]);
    }
    // Lines that are there from the start: a graph shows a zero rather than a hole.
    shoal_metric_add(&downloaded, "peers", 0);
    shoal_metric_add(&downloaded, "server", 0);
    shoal_metric_add(&uploaded, NULL, 0);
    shoal_metric_add(&reports, "taken", 0);
    shoal_metric_add(&reports, "refused", 0);
    shoal_metric_set(&peers, NULL, 0);
}

void playback_metrics_took(const struct playback_report *report)
{
    shoal_metric_add(&reports, "taken", 1);
    shoal_metric_add(&downloaded, "peers", (double)report->peer_bytes);
    shoal_metric_add(&downloaded, "server", (double)report->server_bytes);
    shoal_metric_add(&uploaded, NULL, (double)report->uploaded_bytes);
}

void playback_metrics_refused(void)
{
    shoal_metric_add(&reports, "refused", 1);
}

void playback_metrics_peers(int64_t count)
{
    shoal_metric_set(&peers, NULL, (double)count);
}
