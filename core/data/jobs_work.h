// jobs_work.h - what a job worker does with a claimed job.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_DATA_JOBS_WORK_H
#define SHOAL_CORE_DATA_JOBS_WORK_H

struct job_run;

/// Runs the handler (or gave_up) of a run and stores what became of it.
void jobs_work(struct job_run *run);

#endif
