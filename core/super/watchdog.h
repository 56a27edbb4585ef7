// watchdog.h - the limits of the watchdog, and the judgement alone, for tests.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_WATCHDOG_H
#define SHOAL_CORE_SUPER_WATCHDOG_H
#include <stdbool.h>
#include <stdint.h>

#define SHOAL_WATCHDOG_STEP_MS 250
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHOAL_WATCHDOG_LOOP_MS 20000 ///< sanitized builds are slow
#else
#define SHOAL_WATCHDOG_LOOP_MS 2000
#endif
#define SHOAL_WATCHDOG_WORKER_MS 30000 ///< past the deadline of the call, and within one plugin
#define SHOAL_WATCHDOG_JOB_MS 900000   ///< of a job that computes and says nothing of its progress

/// Whether a job that was so long in one plugin, and used so much of the processor meanwhile, will never
/// end.
bool shoal_watchdog_spins(int64_t wall_ms, int64_t cpu_ms);
/// Whether a thread that is in a plugin since then hangs. Times of shoal_tick_ms(), 0 for none.
bool shoal_watchdog_judges(int64_t now_ms, int64_t since_ms, int64_t deadline_ms);
/// How much memory the server may use; 0: no bound. Before shoal_watchdog_start().
void shoal_watchdog_memory(int64_t most_bytes);
/// Gives this thread a stack for the crash handler, so that a stack overflow is reported too: this
/// one (of an ended thread), or a new one. Returns: the stack, to be used again.
void *shoal_crash_stack(void *stack);
/// Where to name the culprit before aborting.
void shoal_watchdog_report_to(int fd);

#endif
