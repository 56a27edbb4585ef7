// context.h - what a call carries, seen from inside the core.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_CONTEXT_H
#define SHOAL_CORE_BASE_CONTEXT_H
#include <stdatomic.h>

#include <shoal/arena.h>
#include <shoal/call.h>
#include <shoal/catalog.h>

#define SHOAL_PLUGIN_STACK 16

/// The head of every struct shoal_plugin: what rooms below the host may know of a plugin.
struct shoal_plugin_id {
    const char *name;         ///< as in plugin.json
    const char *table_prefix; ///< "NAME_": its tables
    bool is_shipped;          ///< came with the server
    const char *const *views; ///< published views and tables that it may read, NULL-ended
    /// As its manifest lists them ("http:any"), NULL-ended, or NULL.
    const char *const *permissions;
};

/// One call: a request, a job, a timer tick, a command. Lives on the thread that runs it.
struct shoal_call {
    struct shoal_arena *arena;
    struct shoal_viewer viewer;
    const char *locale;                ///< "en"
    char id[24];                       ///< request id
    int64_t deadline_ms;               ///< of shoal_tick_ms(); 0: none
    const atomic_bool *cancel;         ///< or NULL; set by whoever owns the work
    struct shoal_request *request;     ///< or NULL
    struct shoal_request *asked;       ///< what a client asked for: the outermost request, or NULL
    struct shoal_db *db;               ///< reader of this worker, taken on first use; see data
    struct shoal_db *tx;               ///< the writer while inside shoal_tx()
    void *plugins[SHOAL_PLUGIN_STACK]; ///< struct shoal_plugin, innermost last; NULL entry: core
    int depth;
    char sentence[512];       ///< of the last verdict
    int inprocess_depth;      ///< requests within requests
    int64_t asked_ms;         ///< shoal_tick_ms() before its credential was looked at; 0: none
    bool is_admitted;         ///< the host has authenticated this request and let it in
    struct shoal_call *outer; ///< the call that this thread ran before this one
    void *spilled;            ///< plugins beyond SHOAL_PLUGIN_STACK; see call.c
};

/// Sets up a call on this thread with a new arena and the system as its viewer.
void shoal_call_init(struct shoal_call *call);
/// Gives back the db handle and frees the arena.
void shoal_call_fini(struct shoal_call *call);
/// Marks which plugin runs now; crash and hang reports read the stack of the thread.
void shoal_call_enter(struct shoal_call *call, struct shoal_plugin *plugin);
void shoal_call_leave(struct shoal_call *call);
/// Who called the plugin that runs now: the one below it, or NULL (the core).
struct shoal_plugin *shoal_call_caller(const struct shoal_call *call);
/// Says to who watches that the plugin is getting on: it counts from now how long it stays.
void shoal_call_alive(struct shoal_call *call);
/// Whether a manifest lists exactly this permission; NULL is the core, which needs none.
bool shoal_plugin_lists(const struct shoal_plugin *plugin, const char *permission);
/// Whose function a loop calls, where there is no call: crash and hang reports name it. Returns: who
/// was there before, to be set again afterwards.
struct shoal_plugin *shoal_call_mark(struct shoal_plugin *plugin);
/// Who is marked on this thread, or NULL. Async-signal-safe to read.
struct shoal_plugin *shoal_call_marked(void);
/// The call that runs on this thread, or NULL. Async-signal-safe to read.
struct shoal_call *shoal_call_current(void);
/// Makes call (or NULL) the one that this thread runs and gives back the one before: for threads
/// that go on with a call of another, which waits meanwhile.
struct shoal_call *shoal_call_adopt(struct shoal_call *call);
/// Called after each enter, leave, adoption and mark (with NULL), when it is set: so the watchdog of the server
/// keeps its books.
extern void (*_Atomic shoal_call_watch)(struct shoal_call *call);
/// Called by shoal_call_fini() to give the reader back; set by data.
extern void (*shoal_call_release_db)(struct shoal_call *call);

#endif
