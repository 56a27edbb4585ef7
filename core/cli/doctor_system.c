// doctor_system.c - rights, disk, limits, clock, ffmpeg and its sandbox.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>
#include <shoal/process.h>

#include "base/file.h"
#include "cli/doctor.h"
#include "super/channel.h"
#include "super/sandbox.h"
#include "super/super.h"

#define BUILT_AFTER_MS 1735689600000 // 2025-01-01: no clock may be before the program was written

static void check_rights(struct shoal_doctor *doctor)
{
    static const char *const parts[] = {"", "plugins", "run", "tmp", "media"};
    bool is_fine = true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char path[PATH_MAX];
        struct stat info;
        snprintf(path, sizeof path, "%s%s%s", doctor->config->folder, i > 0 ? "/" : "", parts[i]);
        if (stat(path, &info) != 0) {
            continue;
        }
        if (access(path, R_OK | W_OK | X_OK) != 0) {
            is_fine = false;
            shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "rights",
                "give the folder to the user whom the instance belongs to (chown -R)",
                "%s may not be written: %s", path, strerror(errno));
        } else if ((info.st_mode & S_IWOTH) != 0) {
            is_fine = false;
            shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "rights", "chmod o-w it",
                "everybody on this machine may write in %s", path);
        }
    }
    static const char *const secrets[] = {"shoal.lua", "shoal.sqlite3"};
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];
        struct stat info, folder;
        snprintf(path, sizeof path, "%s/%s", doctor->config->folder, secrets[i]);
        if (stat(path, &info) == 0 && stat(doctor->config->folder, &folder) == 0 &&
            (info.st_mode & S_IROTH) != 0 && (folder.st_mode & S_IXOTH) != 0) {
            is_fine = false;
            shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "rights", "chmod o-r it",
                "everybody on this machine may read %s", path);
        }
    }
    if (is_fine) {
        shoal_doctor_say(doctor, SHOAL_FINDING_FINE, "rights", NULL,
            "the instance's folder can be written by its owner alone");
    }
}

static void check_disk(struct shoal_doctor *doctor, const char *what, const char *folder)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0) {
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "disk", NULL, "the disk cannot be asked: %s",
            strerror(errno));
        return;
    }
    double free_gib = (double)disk.f_bavail * (double)disk.f_frsize / (1 << 30);
    double percent = disk.f_blocks > 0 ? 100.0 * (double)disk.f_bavail / (double)disk.f_blocks : 0;
    bool is_low = free_gib < 2 || percent < 3;
    shoal_doctor_say(doctor, is_low ? SHOAL_FINDING_BAD : SHOAL_FINDING_FINE, "disk",
        is_low ? "make room, or move the media to another disk: a full one refuses uploads" : NULL,
        "%.*f %s are free for %s (%.0f %%)", free_gib < 1 ? 0 : 1,
        free_gib < 1 ? free_gib * 1024 : free_gib, free_gib < 1 ? "MiB" : "GiB", what, percent);
    if (disk.f_files > 0 && disk.f_favail * 100 / disk.f_files < 3) {
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "disk", "remove small files elsewhere on it",
            "the disk has hardly any inodes left");
    }
}

/// Each disk once: that of the folder, and those that the database and the media lie on.
static void check_disks(struct shoal_doctor *doctor)
{
    char path[PATH_MAX];
    struct stat info, other;
    const struct shoal_config *config = doctor->config;
    check_disk(doctor, "the instance", config->folder);
    bool has_info = stat(config->folder, &info) == 0;
    if (has_info && stat(shoal_instance_database(config, path), &other) == 0 &&
        other.st_dev != info.st_dev) {
        *strrchr(path, '/') = '\0';
        check_disk(doctor, "the database", path);
    }
    snprintf(path, sizeof path, "%s/media", config->folder);
    if (has_info && stat(path, &other) == 0 && other.st_dev != info.st_dev) {
        check_disk(doctor, "the media", path);
    }
    for (size_t i = 0; has_info && i < config->plugin_count; i++) {
        const char *at = shoal_text(config->plugins[i].options, "path", NULL);
        if (at != NULL && at[0] == '/' && stat(at, &other) == 0 && other.st_dev != info.st_dev) {
            char what[120];
            snprintf(what, sizeof what, "%s.path", config->plugins[i].name);
            check_disk(doctor, what, at);
        }
    }
}

static void check_limits(struct shoal_doctor *doctor)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < 4096) {
        shoal_doctor_say(doctor, SHOAL_FINDING_NOTE, "limits",
            "raise it (LimitNOFILE=65536 in the systemd unit)",
            "only %llu files and connections may be open at once",
            (unsigned long long)limit.rlim_max);
    }
}

void shoal_doctor_folder(struct shoal_doctor *doctor)
{
    check_rights(doctor);
    check_disks(doctor);
    check_limits(doctor);
}

static void check_clock(struct shoal_doctor *doctor)
{
    struct timex state = {0};
    int code = adjtimex(&state);
    if (shoal_now_ms() < BUILT_AFTER_MS) {
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "clock", "set the clock of this machine",
            "the clock stands in the past: log-ins and certificates will fail");
    } else if (code == TIME_ERROR || (state.status & STA_UNSYNC) != 0) {
        shoal_doctor_say(doctor, SHOAL_FINDING_NOTE, "clock",
            "apt install systemd-timesyncd, if this machine has no other source of time",
            "nothing keeps the clock right; other servers refuse signatures from a wrong one");
    } else {
        shoal_doctor_say(doctor, SHOAL_FINDING_FINE, "clock", NULL, "the clock is kept right");
    }
}

/// Runs a program in its sandbox and gives back what it printed.
static int run(
    const char *program, const char *const *args, struct shoal_buf *out, struct shoal_err *err)
{
    char work[] = "/tmp/shoal-doctor-XXXXXX";
    if (mkdtemp(work) == NULL) {
        return shoal_file_fail(err, errno, "make", work);
    }
    struct shoal_process what = {.program = program,
        .args = args,
        .key = "doctor",
        .work_path = work,
        .output_path = "out",
        .wall_s = 30};
    struct shoal_process_state state = {0};
    int code = shoal_super_local(err);
    code = code != 0 ? code : shoal_process_start(NULL, &what, err);
    code = code != 0 ? code : shoal_process_wait(NULL, "doctor", 40000, &state, err);
    shoal_process_forget(NULL, "doctor");
    if (code == 0 && state.exit_code != 0) {
        code = shoal_fail(
            err, SHOAL_EIO, "%s ended with %d (signal %d)", program, state.exit_code, state.signal);
    }
    if (code == 0) {
        char path[64];
        snprintf(path, sizeof path, "%s/out", work);
        code = shoal_file_read_whole(path, 1 << 20, out, err);
    }
    struct shoal_err ignored = {0};
    shoal_tree_remove(work, &ignored);
    return code;
}

static void check_program(struct shoal_doctor *doctor, const char *program, const char *const *args,
    const char *const *needed)
{
    struct shoal_buf text = {0};
    struct shoal_err err = {0};
    if (run(program, args, &text, &err) != 0) {
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, program,
            "apt install ffmpeg; without it no video can be taken in", "%s", err.text);
        return;
    }
    bool is_whole = true;
    for (size_t i = 0; needed[i] != NULL; i++) {
        if (text.data == NULL || strstr(text.data, needed[i]) == NULL) {
            is_whole = false;
            shoal_doctor_say(doctor, SHOAL_FINDING_BAD, program,
                "install a build of ffmpeg that has it (Debian's does)", "it lacks %s", needed[i]);
        }
    }
    if (is_whole) {
        shoal_doctor_say(doctor, SHOAL_FINDING_FINE, program, NULL, "it runs in its sandbox");
    }
    shoal_buf_fini(&text);
}

void shoal_doctor_system(struct shoal_doctor *doctor)
{
    check_clock(doctor);
    static const char *const encoders[] = {"-hide_banner", "-encoders", NULL};
    static const char *const needed[] = {"libx264", "aac", "mjpeg", NULL};
    static const char *const version[] = {"-version", NULL};
    static const char *const nothing[] = {NULL};
    check_program(doctor, "ffmpeg", encoders, needed);
    check_program(doctor, "ffprobe", version, nothing);
    if (shoal_landlock_version() == 0) {
        shoal_doctor_say(doctor, SHOAL_FINDING_NOTE, "sandbox",
            "use a kernel with Landlock (5.13 and later; lsm=landlock on its command line)",
            "this kernel cannot keep ffmpeg away from the files of the instance");
    }
}
