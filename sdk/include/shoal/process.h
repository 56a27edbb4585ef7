// process.h - programs that work for the server (ffmpeg), in a sandbox, started by the supervisor.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_PROCESS_H
#define SHOAL_PROCESS_H
#include <shoal/sized.h>
#include <shoal/version.h>

/// A process survives a crash or reload of the server; the next child finds it by its key.
struct shoal_process {
    const char *program;      ///< "ffmpeg": found on the supervisor's PATH; needs "process:ffmpeg"
    const char *const *args;  ///< without argv[0], NULL-ended; never from a client as they are
    const char *key;          ///< its name for adoption ("transcode:UUID:3"), unique while it runs
    const char *work_path;    ///< folder that it may write in, its current folder
    const char *const *read_paths; ///< files and folders that it may read besides, NULL-ended; or NULL
    const char *output_path;  ///< file in work_path that gets stdout; NULL: dropped
    const char *errors_path;  ///< file in work_path that gets stderr (64 KiB are kept); NULL: dropped
    uint64_t memory_bytes;    ///< address space; 2 GiB when 0
    uint64_t file_bytes;      ///< largest file it may write; 64 GiB when 0
    uint32_t cpu_s;           ///< 0: no limit
    uint32_t wall_s;          ///< killed after; 24 h when 0
    int nice;                 ///< 0 to 19, where the server itself is not nicer already
    int stdin_fd, stdout_fd;  ///< pipes of the caller instead of files; 0: none. Such a process does
                              ///< not survive the child
};

struct shoal_process_state {
    bool running;
    int exit_code;   ///< -1 when a signal ended it
    int signal;
    int64_t cpu_ms;
    int64_t memory_peak_bytes;
    bool timed_out;
};

/// Starts a process.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EFORBIDDEN, SHOAL_ENOTFOUND (no such program),
///          SHOAL_ECONFLICT (the key runs already: adopt it), SHOAL_EBUSY. Thread: [worker].
/// Blocks:  shortly. Since: 1.0.
SHOAL_INLINE int shoal_process_start(struct shoal_call *call, const struct shoal_process *what,
    struct shoal_err *err)
{
    return shoal_process_start_sized(call, what, sizeof *what, err);
}
/// Waits until it has ended, at most timeout_ms (-1: until the call is cancelled).
///
/// Returns: 0 with *state; SHOAL_ETIMEOUT, SHOAL_ECANCELLED, SHOAL_ENOTFOUND (unknown key).
/// Errors:  those. Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_INLINE int shoal_process_wait(struct shoal_call *call, const char *key, int64_t timeout_ms,
    struct shoal_process_state *state, struct shoal_err *err)
{
    return shoal_process_wait_sized(call, key, timeout_ms, state, sizeof *state, err);
}
/// Ends it: SIGTERM, and SIGKILL after 5 s.
SHOAL_API int shoal_process_kill(struct shoal_call *call, const char *key, struct shoal_err *err);
/// Forgets an ended process, so that its key is free again.
SHOAL_API void shoal_process_forget(struct shoal_call *call, const char *key);

#endif
