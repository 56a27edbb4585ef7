// media_spawn.c - turns a "start" message into a running process in its sandbox.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "super/media.h"
#include "super/sandbox.h"

#define TEXTS_MAX 1024

/// Borrows the texts of an array; the list is NULL-ended.
static int texts_read(const json_t *array, const char **list, size_t room, struct shoal_err *err)
{
    size_t count = json_array_size(array);
    if (count + 1 > room) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "a process has too many arguments");
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = json_string_value(json_array_get(array, i));
        if (list[i] == NULL) {
            return shoal_fail(err, SHOAL_EINVAL, "an argument of a process is not text");
        }
    }
    list[count] = NULL;
    return 0;
}

/// Opens a file of the work folder, named by itself or with that folder, for a stream of the process.
static int file_open(const char *work, const char *path, struct shoal_err *err)
{
    const char *name = path;
    size_t length = strlen(work);
    if (strncmp(path, work, length) == 0 && path[length] == '/') {
        name = path + length + 1;
    }
    if (name[0] == '\0' || name[0] == '/' || strcmp(name, "..") == 0 ||
        strncmp(name, "../", 3) == 0 || strstr(name, "/..") != NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "%s is not in the folder %s", path, work);
    }
    int folder = open(work, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = folder < 0 ? -1
                        : openat(folder, name,
                              O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    int error = errno;
    if (folder >= 0) {
        close(folder);
    }
    if (fd < 0) {
        return shoal_fail(err, SHOAL_EIO, "%s/%s cannot be written: %s", work, name,
            strerror(error));
    }
    return fd;
}

/// Lifts a descriptor above those that the sandbox places.
static int lift(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    close(fd);
    return high;
}

struct streams {
    int in, out, error, report_read, report_write;
};

static void streams_close(struct streams *streams)
{
    int *list[] = {&streams->in, &streams->out, &streams->error, &streams->report_read,
        &streams->report_write};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (*list[i] >= 0) {
            close(*list[i]);
        }
        *list[i] = -1;
    }
}

/// stderr goes through a pipe of ours, so that its file stays small.
static int errors_open(struct shoal_media *media, const char *work, const char *path,
    struct streams *streams, struct shoal_err *err)
{
    int file = file_open(work, path, err);
    if (file < 0) {
        return file;
    }
    media->errors_file = lift(file);
    int ends[2];
    if (media->errors_file < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        return shoal_fail(err, SHOAL_EIO, "no pipe for a process: %s", strerror(errno));
    }
    media->errors_pipe = lift(ends[0]);
    fcntl(media->errors_pipe, F_SETFL, O_NONBLOCK);
    streams->error = lift(ends[1]);
    return 0;
}

static int streams_open(struct shoal_media *media, struct shoal_message *message,
    const char *work, struct streams *streams, struct shoal_err *err)
{
    size_t next = 0;
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    streams->in = shoal_flag(message->body, "stdin", false) ? shoal_message_take_fd(message, next++)
                                                            : fcntl(null_fd, F_DUPFD_CLOEXEC, 10);
    const char *output = shoal_text(message->body, "output", NULL);
    const char *errors = shoal_text(message->body, "errors", NULL);
    int code = 0;
    if (shoal_flag(message->body, "stdout", false)) {
        streams->out = shoal_message_take_fd(message, next++);
    } else if (output != NULL) {
        streams->out = file_open(work, output, err);
        code = streams->out < 0 ? streams->out : 0;
    } else {
        streams->out = fcntl(null_fd, F_DUPFD_CLOEXEC, 10);
    }
    if (code == 0 && errors != NULL) {
        code = errors_open(media, work, errors, streams, err);
    } else if (code == 0) {
        streams->error = fcntl(null_fd, F_DUPFD_CLOEXEC, 10);
    }
    int ends[2] = {-1, -1};
    if (code == 0 && pipe2(ends, O_CLOEXEC) == 0) {
        streams->report_read = ends[0];
        streams->report_write = lift(ends[1]);
    }
    if (null_fd >= 0) {
        close(null_fd);
    }
    // What came by message or open() may have a low number.
    streams->in = streams->in >= 0 && streams->in < 10 ? lift(streams->in) : streams->in;
    streams->out = streams->out >= 0 && streams->out < 10 ? lift(streams->out) : streams->out;
    if (code == 0 && (streams->in < 0 || streams->out < 0 || streams->error < 0 ||
                         streams->report_write < 0)) {
        code = shoal_fail(err, SHOAL_EIO, "no pipes for a process: %s", strerror(errno));
    }
    return code;
}

/// Forks; comes back when the program runs or is known not to.
static int launch(struct shoal_media *media, const struct shoal_sandbox *sandbox,
    struct streams *streams, const char *program, struct shoal_err *err)
{
    pid_t pid = fork();
    if (pid < 0) {
        return shoal_fail(err, SHOAL_EBUSY, "%s cannot be started: %s", program, strerror(errno));
    }
    if (pid == 0) {
        shoal_sandbox_exec(sandbox, streams->in, streams->out, streams->error,
            streams->report_write);
    }
    close(streams->report_write);
    streams->report_write = -1;
    int error = 0;
    ssize_t got;
    do {
        got = read(streams->report_read, &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        media->pid = pid;
        return 0;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return shoal_fail(err, SHOAL_EIO, "%s cannot be started in its sandbox: %s", program,
        strerror(error));
}

int shoal_media_spawn(struct shoal_media *media, struct shoal_message *message,
    struct shoal_err *err)
{
    const char *args[TEXTS_MAX], *reads[TEXTS_MAX];
    const json_t *body = message->body;
    struct shoal_process what = {
        .program = shoal_text(body, "program", ""),
        .args = args,
        .read_paths = reads,
        .work_path = shoal_text(body, "work", NULL),
        .memory_bytes = (uint64_t)shoal_integer(body, "memory", 0),
        .file_bytes = (uint64_t)shoal_integer(body, "file", 0),
        .cpu_s = (uint32_t)shoal_integer(body, "cpu", 0),
        .nice = (int)shoal_integer(body, "nice", 0),
    };
    struct streams streams = {-1, -1, -1, -1, -1};
    struct shoal_sandbox sandbox = {.landlock_fd = -1};
    int code = texts_read(json_object_get(body, "args"), args, TEXTS_MAX, err);
    code = code != 0 ? code : texts_read(json_object_get(body, "read"), reads, TEXTS_MAX, err);
    code = code != 0 ? code : shoal_sandbox_init(&sandbox, &what, err);
    code = code != 0 ? code : streams_open(media, message, what.work_path, &streams, err);
    code = code != 0 ? code : launch(media, &sandbox, &streams, what.program, err);
    shoal_sandbox_fini(&sandbox);
    streams_close(&streams);
    if (code != 0) {
        shoal_media_errors_close(media);
        return code;
    }
    uint32_t wall_s = (uint32_t)shoal_integer(body, "wall", 0);
    media->wall_at_ms = shoal_tick_ms() + (wall_s == 0 ? 86400 : (int64_t)wall_s) * 1000;
    media->state = (struct shoal_process_state){.running = true};
    return 0;
}
