// identity_verify.c - who signed a request: the claim, the key behind it, and whether they fit.
//
// The key is that of the actor whom the key's id names, as the actor's own document says; what a key
// says of its owner is never enough. A key that does not fit is read anew once a minute at most.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "identity_unproved.h"

#define TRIED_MAX  4096
#define RETRY_MS   60000
#define SOON_MS    5000 // after a failure that passes
#define READS_MAX  32
#define BUDGETS    1024
#define BURST      200 // keys of one host that are read at once; then
#define A_SECOND   5   // so many: who names keys of a server makes us ask that server
#define KEY_PLACES 1024

// What was read lately, by the sum of a key's id under a secret of this process, so that nobody can aim at
// the place of another key; and the actors of keys that are documents of their own.
static struct {
    pthread_mutex_t lock;
    unsigned char secret[crypto_shorthash_KEYBYTES];
    bool has_secret;
    struct tried {
        uint64_t sum;
        int64_t at_ms;
        int code; // how it ended
    } tried[TRIED_MAX];
    struct place {
        char key_id[256], actor_url[256];
    } places[KEY_PLACES];
    struct budget { // of hosts, by their sums
        int64_t at_ms;
        double spent;
    } budgets[BUDGETS];
    uint64_t reading[READS_MAX + 1]; // sums of hosts; 0: free; the last one counts nowhere
    int at_once;                 // of them
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

// Half of the workers may wait for keys: who makes us ask a slow server holds no more. What comes to an inbox
// waits in a table (identity_unproved.c) and holds none.
static int reads_at_once(void)
{
    json_t *setting = shoal_instance_setting("workers");
    int64_t workers = json_integer_value(setting);
    json_decref(setting);
    workers = workers > 0 ? workers : 2 + 2 * sysconf(_SC_NPROCESSORS_ONLN);
    return workers < 4 ? 2 : workers / 2 > READS_MAX ? READS_MAX : (int)(workers / 2);
}

static uint64_t sum_of(const char *text)
{
    uint64_t sum = 0;
    if (!known.has_secret) {
        shoal_random(known.secret, sizeof known.secret);
        known.at_once = reads_at_once();
        known.has_secret = true;
    }
    crypto_shorthash((unsigned char *)&sum, (const unsigned char *)text, strlen(text), known.secret);
    return sum | 1;
}

bool who_passes(int code)
{
    return code == SHOAL_EUPSTREAM || code == SHOAL_ETIMEOUT || code == SHOAL_EBUSY || code == SHOAL_ECANCELLED ||
           code == SHOAL_EIO || code == SHOAL_EFULL;
}

// Whether a host may be asked once more. Two that share a place share what may be spent: nobody gets more
// by naming others.
static bool budget_take(uint64_t host_sum, int64_t now_ms)
{
    struct budget *budget = &known.budgets[(host_sum >> 1) % BUDGETS];
    double spent = budget->spent - (double)(now_ms - budget->at_ms) * A_SECOND / 1000;
    budget->spent = spent < 0 ? 0 : spent;
    budget->at_ms = now_ms;
    bool may = budget->spent < BURST;
    budget->spent += may ? 1 : 0;
    return may;
}

// How the reading of a key ended a moment ago, or NULL. The lock is held.
static const struct tried *tried_find(uint64_t sum, int64_t now_ms)
{
    const struct tried *tried = &known.tried[sum % TRIED_MAX];
    bool is_new = tried->sum == sum && now_ms - tried->at_ms < (who_passes(tried->code) ? SOON_MS : RETRY_MS);
    return is_new ? tried : NULL;
}

bool who_reading_begin(const char *key_id, const char *host, bool is_ahead, int *why)
{
    int64_t now_ms = shoal_tick_ms();
    int free_place = -1, of_host = 0, all = 0;
    pthread_mutex_lock(&known.lock);
    uint64_t sum = sum_of(key_id), host_sum = sum_of(host);
    const struct tried *before = tried_find(sum, now_ms);
    for (int i = 0; i < READS_MAX; i++) {
        free_place = known.reading[i] == 0 ? i : free_place;
        of_host += known.reading[i] == host_sum;
        all += known.reading[i] != 0;
    }
    bool has_room = is_ahead ||
                    (free_place >= 0 && all < known.at_once && of_host < (known.at_once + 1) / 2);
    *why = before != NULL ? before->code : SHOAL_EBUSY;
    bool may = before == NULL && has_room && budget_take(host_sum, now_ms);
    if (may) {
        known.reading[is_ahead ? READS_MAX : free_place] = host_sum;
        known.tried[sum % TRIED_MAX] = (struct tried){sum, now_ms, SHOAL_EBUSY};
    }
    pthread_mutex_unlock(&known.lock);
    return may;
}

void who_reading_end(const char *key_id, const char *host, bool is_ahead, int code)
{
    pthread_mutex_lock(&known.lock);
    uint64_t sum = sum_of(key_id), host_sum = sum_of(host);
    struct tried *tried = &known.tried[sum % TRIED_MAX];
    if (tried->sum == sum) {
        tried->code = code;
    }
    for (int i = 0; i < READS_MAX && !is_ahead; i++) {
        if (known.reading[i] == host_sum) {
            known.reading[i] = 0;
            break;
        }
    }
    pthread_mutex_unlock(&known.lock);
}

static const char *place_find(struct shoal_call *call, const char *key_id)
{
    const char *found = NULL;
    pthread_mutex_lock(&known.lock);
    const struct place *place = &known.places[sum_of(key_id) % KEY_PLACES];
    if (strcmp(place->key_id, key_id) == 0) {
        found = shoal_arena_strdup(shoal_call_arena(call), place->actor_url);
    }
    pthread_mutex_unlock(&known.lock);
    return found;
}

static void place_put(const char *key_id, const char *actor_url)
{
    if (strlen(key_id) >= sizeof known.places->key_id || strlen(actor_url) >= sizeof known.places->actor_url) {
        return;
    }
    pthread_mutex_lock(&known.lock);
    struct place *place = &known.places[sum_of(key_id) % KEY_PLACES];
    memcpy(place->key_id, key_id, strlen(key_id) + 1);
    memcpy(place->actor_url, actor_url, strlen(actor_url) + 1);
    pthread_mutex_unlock(&known.lock);
}

static bool fits(
    struct shoal_call *call, const struct shoal_actor *actor, const struct shoal_claim *claim)
{
    return actor->public_key != NULL && sign_fits(call, claim, actor->public_key);
}

// The actor of a key that is a document of its own: it has to name that key as its own (T26).
static const char *owner_of(struct shoal_call *call, const char *key_id, const json_t *document,
    struct shoal_err *err)
{
    const char *owner = who_id_of(json_object_get(document, "owner"));
    if (owner == NULL) {
        owner = who_id_of(json_object_get(document, "controller"));
    }
    if (owner == NULL || !who_same_host(call, owner, key_id)) {
        shoal_fail(err, SHOAL_EAUTH, "the key %.200s does not say whose it is", key_id);
        return NULL;
    }
    return shoal_arena_strdup(shoal_call_arena(call), owner);
}

static bool lists_key(const json_t *keys, const char *key_id)
{
    size_t count = json_is_array(keys) ? json_array_size(keys) : 1;
    for (size_t i = 0; i < count && i < 16; i++) {
        const json_t *key = json_is_array(keys) ? json_array_get(keys, i) : keys;
        const char *id = who_id_of(key);
        if (id != NULL && strcmp(id, key_id) == 0) {
            return true;
        }
    }
    return false;
}

int who_key_read(struct shoal_call *call, const char *key_id, struct shoal_actor *actor,
    struct shoal_err *err)
{
    const char *bare = who_url_bare(call, key_id);
    json_t *document = who_fetch(call, bare, err);
    const char *owner = NULL;
    if (document != NULL && !who_is_actor_document(document)) {
        owner = owner_of(call, key_id, document, err);
        json_decref(document);
        document = owner == NULL ? NULL : who_fetch(call, owner, err);
    }
    if (document == NULL) {
        return err->code != 0 ? err->code : SHOAL_EUPSTREAM;
    }
    const char *id = shoal_text(document, "id", "");
    // The actor is the part before "#", or it lists this very key as its own.
    bool is_its = (strcmp(id, bare) == 0 && owner == NULL) || lists_key(json_object_get(document, "publicKey"), key_id) ||
                  lists_key(json_object_get(document, "assertionMethod"), key_id);
    int code = is_its ? who_actor_keep(call, document, actor, err)
                      : shoal_fail(err, SHOAL_EAUTH, "%.200s is no key of %.200s", key_id, id);
    if (code == 0 && strcmp(id, bare) != 0) {
        place_put(key_id, id);
    }
    json_decref(document);
    return code;
}

// What the other server's answer means for one who asks to be believed.
static int read_failed(int code, const struct shoal_claim *claim, bool is_known, struct shoal_err *err)
{
    if (code == SHOAL_EGONE || code == SHOAL_ENOTFOUND) {
        // Of one that is known a key that cannot be read does not become right by that.
        return is_known ? shoal_fail(err, SHOAL_EAUTH, "the signature does not fit the key %.200s", claim->key_id)
                        : shoal_fail(err, SHOAL_ENOTFOUND, "%.200s is gone", claim->key_id);
    }
    if (who_passes(code)) {
        return err->code == code ? code : shoal_fail(err, code, "%.200s cannot be read now", claim->key_id);
    }
    return err->code == 0 ? shoal_fail(err, SHOAL_EAUTH, "the signature does not fit the key %.200s", claim->key_id)
                          : (err->code = SHOAL_EAUTH);
}

int who_known_fits(struct shoal_call *call, const struct shoal_claim *claim, struct shoal_actor *actor,
    bool *is_known, struct shoal_err *err)
{
    struct shoal_err unknown = {0};
    const char *url = place_find(call, claim->key_id);
    url = url == NULL ? who_url_bare(call, claim->key_id) : url;
    int code = shoal_actor_find(call, url, actor, &unknown);
    *is_known = code == 0;
    if (code != 0 && code != SHOAL_ENOTFOUND) {
        return shoal_fail(err, code, "%s", unknown.text);
    }
    return *is_known && fits(call, actor, claim);
}

static int actor_prove(struct shoal_call *call, const struct shoal_claim *claim, const char *host,
    struct shoal_actor *actor, struct shoal_err *err)
{
    bool is_known = false;
    int why = 0;
    int code = who_known_fits(call, claim, actor, &is_known, err);
    if (code != 0) {
        return code < 0 ? code : 0;
    }
    if (!who_reading_begin(claim->key_id, host, false, &why)) {
        return read_failed(why == 0 ? SHOAL_EAUTH : why, claim, is_known, err);
    }
    code = who_key_read(call, claim->key_id, actor, err);
    who_reading_end(claim->key_id, host, false, code);
    if (code != 0) {
        return read_failed(code, claim, is_known, err);
    }
    return fits(call, actor, claim)
               ? 0
               : shoal_fail(err, SHOAL_EAUTH, "the signature does not fit the key %.200s", claim->key_id);
}

// Reads the claim, and whose host it names: one of another server, with whom we have to do.
static int claim_read(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    const char **host, struct shoal_err *err)
{
    int code = sign_claim(call, request, claim, err);
    if (code != 0) {
        return code;
    }
    *host = who_url_host(call, claim->key_id);
    if (*host == NULL || strcmp(*host, who_host(call)) == 0) {
        return shoal_fail(err, SHOAL_EAUTH, "%.200s is no key of another server", claim->key_id);
    }
    return who_blocked(call, *host) ? shoal_fail(err, SHOAL_EFORBIDDEN, "%s is blocked here", *host) : 0;
}

int who_signer_here(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_actor *actor, struct shoal_err *err)
{
    const char *host = NULL;
    bool is_known = false;
    int code = claim_read(call, request, claim, &host, err);
    code = code != 0 ? code : who_known_fits(call, claim, actor, &is_known, err);
    if (code == 1 && claim->is_modern) {
        sign_understands(call, host, true);
    }
    if (code == 1) { // what they said before comes first
        const char *sender = shoal_request_address_prefix(request);
        return who_unproved_first(call, claim, INT64_MAX, sender, actor->public_key) != 0 ? SHOAL_LATER : 0;
    }
    *actor = (struct shoal_actor){0};
    if (code != 0) {
        return code;
    }
    pthread_mutex_lock(&known.lock);
    const struct tried *tried = tried_find(sum_of(claim->key_id), shoal_tick_ms());
    bool is_over = tried != NULL && !who_passes(tried->code);
    code = is_over ? tried->code : SHOAL_LATER;
    pthread_mutex_unlock(&known.lock);
    return is_over ? read_failed(code == 0 ? SHOAL_EAUTH : code, claim, is_known, err) : code;
}

int who_signer(struct shoal_call *call, struct shoal_request *request, struct shoal_actor *actor,
    struct shoal_err *err)
{
    struct shoal_claim claim = {.size = sizeof claim};
    struct shoal_err own = {0};
    const char *host = NULL;
    err = err == NULL ? &own : err;
    int code = claim_read(call, request, &claim, &host, err);
    code = code != 0 ? code : actor_prove(call, &claim, host, actor, err);
    if (code == 0 && claim.is_modern) {
        sign_understands(call, host, true);
    }
    return code;
}
