// identity_context.c - "@context" of each kind of document, with the terms that PeerTube declares.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "identity.h"

#define PT   "\"pt\":\"https://joinpeertube.org/ns#\""
#define SC   "\"sc\":\"http://schema.org/\""
#define MAP  "{" PT "," SC ","
#define N(t) "\"" t "\":{\"@type\":\"sc:Number\",\"@id\":\"pt:" t "\"}"
#define B(t) "\"" t "\":{\"@type\":\"sc:Boolean\",\"@id\":\"pt:" t "\"}"
#define P(t) "\"" t "\":\"pt:" t "\""
#define S(t) "\"" t "\":\"sc:" t "\""
#define L(t) "\"" t "\":{\"@id\":\"as:" t "\",\"@type\":\"@id\"}"

#define SUPPORT "\"support\":{\"@type\":\"sc:Text\",\"@id\":\"pt:support\"}"
#define COUNTER S("WatchAction") "," S("InteractionCounter") "," S("interactionType") "," S("userInteractionCount")

static const struct {
    const char *kind, *map;
} contexts[] = {
    {"Video",
        MAP "\"Hashtag\":\"as:Hashtag\"," S("category") ",\"licence\":\"sc:license\"," S("subtitleLanguage") ","
            P("automaticallyGenerated") ",\"sensitive\":\"as:sensitive\",\"language\":\"sc:inLanguage\","
            S("identifier") "," S("isLiveBroadcast") "," B("liveSaveReplay") "," B("permanentLive") ","
            B("downloadEnabled") "," B("waitTranscoding") "," B("commentsEnabled") "," N("latencyMode") ","
            N("views") "," N("downloads") "," N("state") "," N("size") "," N("fps") "," N("commentsPolicy") ","
            N("tileWidth") "," N("tileHeight") "," N("tileDuration") ","
            "\"aspectRatio\":{\"@type\":\"sc:Float\",\"@id\":\"pt:aspectRatio\"},"
            "\"dvrWindow\":{\"@type\":\"sc:Duration\",\"@id\":\"pt:dvrWindow\"},"
            P("Infohash") "," P("SensitiveTag") ",\"uuid\":{\"@type\":\"sc:identifier\",\"@id\":\"pt:uuid\"},"
            "\"originallyPublishedAt\":\"sc:datePublished\"," S("uploadDate") "," S("hasParts") ","
            "\"schedules\":\"sc:eventSchedule\"," S("startDate") "," S("embedUrl") "," P("playerSettings") ","
            P("canReply") "," SUPPORT "," L("likes") "," L("dislikes") "," L("shares") "," L("comments") ","
            "\"PropertyValue\":\"sc:PropertyValue\",\"value\":\"sc:value\"}"},
    {"Playlist",
        MAP P("Playlist") "," P("PlaylistElement") "," N("position")
            ",\"videoChannelPosition\":{\"@type\":\"sc:Number\",\"@id\":\"pt:position\"},"
            N("startTimestamp") "," N("stopTimestamp") "," P("uuid") "}"},
    {"CacheFile", MAP S("expires") "," P("CacheFile") "," N("size") "," N("fps") "}"},
    {"Actor",
        MAP "\"playlists\":{\"@id\":\"pt:playlists\",\"@type\":\"@id\"}," SUPPORT ","
            "\"lemmy\":\"https://join-lemmy.org/ns#\",\"postingRestrictedToMods\":\"lemmy:postingRestrictedToMods\","
            "\"toot\":\"http://joinmastodon.org/ns#\",\"indexable\":\"toot:indexable\",\"discoverable\":\"toot:discoverable\","
            "\"icons\":\"as:icon\",\"Multikey\":\"https://w3id.org/security#Multikey\","
            "\"assertionMethod\":{\"@id\":\"https://w3id.org/security#assertionMethod\",\"@type\":\"@id\",\"@container\":\"@set\"},"
            "\"controller\":{\"@id\":\"https://w3id.org/security#controller\",\"@type\":\"@id\"},"
            "\"publicKeyMultibase\":{\"@id\":\"https://w3id.org/security#publicKeyMultibase\",\"@type\":\"https://w3id.org/security#multibase\"}}"},
    {"WatchAction",
        MAP S("WatchAction") "," N("startTimestamp") "," N("endTimestamp") "," P("uuid") "," S("actionStatus") ","
            S("addressRegion") "," S("addressCountry") ","
            "\"watchSections\":{\"@type\":\"@id\",\"@id\":\"pt:watchSections\"}}"},
    {"View", MAP COUNTER "}"},
    {"Download", MAP S("DownloadAction") "," COUNTER "}"},
    {"Comment", MAP P("replyApproval") "}"},
    {"ApproveReply", MAP P("ApproveReply") "}"},
    {"RejectReply", MAP P("RejectReply") "}"},
    {"Chapters", MAP S("hasPart") "," S("startOffset") "," S("endOffset") "}"},
    {"PlayerSettings", MAP P("PlayerSettings") "," P("theme") "}"},
    {"Flag", "{\"Hashtag\":\"as:Hashtag\"}"},
};

static const char base[] = "[\"https://www.w3.org/ns/activitystreams\",\"https://w3id.org/security/v1\","
                           "{\"RsaSignature2017\":\"https://w3id.org/security#RsaSignature2017\"}";

void who_context_write(const char *kind, struct shoal_buf *out)
{
    const char *map = NULL;
    for (size_t i = 0; kind != NULL && map == NULL && i < sizeof contexts / sizeof *contexts; i++) {
        map = strcmp(contexts[i].kind, kind) == 0 ? contexts[i].map : NULL;
    }
    shoal_buf_puts(out, base);
    shoal_buf_puts(out, map != NULL ? "," : "");
    shoal_buf_puts(out, map != NULL ? map : "");
    shoal_buf_puts(out, "]");
}

json_t *who_context(const char *kind)
{
    struct shoal_buf text = {0};
    who_context_write(kind, &text);
    json_t *out = json_loadb(text.data, text.length, 0, NULL);
    shoal_buf_fini(&text);
    return out;
}
