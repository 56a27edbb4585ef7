// drop.c - gives up root's rights for those of the instance folder's owner.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "super/drop.h"

#include "host/config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

static int capabilities_set(bool keeps_ports, bool inherits)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{0}, {0}};
    uint32_t ports = keeps_ports ? 1u << CAP_NET_BIND_SERVICE : 0;
    sets[0].effective = ports;
    sets[0].permitted = ports;
    sets[0].inheritable = inherits ? ports : 0;
    return (int)syscall(SYS_capset, &head, sets);
}

static bool has_ports(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{0}, {0}};
    return syscall(SYS_capget, &head, sets) == 0 &&
           (sets[0].permitted & 1u << CAP_NET_BIND_SERVICE) != 0;
}

void shoal_drop_keep_over_exec(void)
{
    if (geteuid() != 0 && has_ports() && capabilities_set(true, true) == 0) {
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
    }
}

static int become(uid_t uid, gid_t gid, struct shoal_err *err)
{
    const struct passwd *user = getpwuid(uid);
    int groups = user != NULL ? initgroups(user->pw_name, gid) : setgroups(0, NULL);
    if (groups != 0 || setresgid(gid, gid, gid) != 0 || prctl(PR_SET_KEEPCAPS, 1) != 0 ||
        setresuid(uid, uid, uid) != 0 || capabilities_set(true, false) != 0 ||
        prctl(PR_SET_KEEPCAPS, 0) != 0) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "the rights of root cannot be given up: %s", strerror(errno));
    }
    if (setuid(0) == 0) {
        return shoal_fail(err, SHOAL_EINTERNAL, "the rights of root came back");
    }
    if (user != NULL) {
        setenv("HOME", user->pw_dir, 1);
        setenv("USER", user->pw_name, 1);
        setenv("LOGNAME", user->pw_name, 1);
    }
    return 0;
}

int shoal_drop_to_owner(const char *folder, struct shoal_err *err)
{
    struct stat info;
    if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode)) {
        int code = shoal_config_there(folder, err);
        return code != 0 ? code : shoal_fail(err, SHOAL_ENOTFOUND, "%s is not a folder", folder);
    }
    if (geteuid() == 0) {
        if (info.st_uid == 0) {
            return shoal_fail(err, SHOAL_EFORBIDDEN,
                "%s belongs to root, and the server does not run as root: give it to a user of its "
                "own (chown -R USER %s)",
                folder, folder);
        }
        int code = become(info.st_uid, info.st_gid, err);
        if (code != 0) {
            return code;
        }
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (access(folder, R_OK | W_OK | X_OK) != 0) {
        int number = errno;
        const struct passwd *user = getpwuid(geteuid());
        return shoal_fail(err, SHOAL_EFORBIDDEN, "the user %s may not write in %s: %s",
            user == NULL ? "of this process" : user->pw_name, folder, strerror(number));
    }
    return 0;
}

int shoal_drop_reaches(const char *folder, uid_t uid, const char *name, struct shoal_err *err)
{
    if (geteuid() != 0 || seteuid(uid) != 0) {
        return 0;
    }
    bool can = faccessat(AT_FDCWD, folder, R_OK | W_OK | X_OK, AT_EACCESS) == 0;
    int number = errno;
    if (seteuid(0) == 0 && can) {
        return 0;
    }
    return shoal_fail(err, SHOAL_EFORBIDDEN,
        "%s, as whom it would be served, cannot reach %s (%s): choose a place outside of closed "
        "folders, like /srv/shoal",
        name, folder, strerror(number));
}

int shoal_drop_choose(uid_t *uid, gid_t *gid, char name[64], struct shoal_err *err)
{
    const char *candidates[] = {getenv("SUDO_USER"), "shoal", "nobody"};
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        const struct passwd *user = candidates[i] == NULL ? NULL : getpwnam(candidates[i]);
        if (user != NULL && user->pw_uid != 0) {
            *uid = user->pw_uid;
            *gid = user->pw_gid;
            snprintf(name, 64, "%s", user->pw_name);
            return 0;
        }
    }
    return shoal_fail(err, SHOAL_ENOTFOUND,
        "there is no user to give the instance to: make one (useradd --system shoal)");
}
