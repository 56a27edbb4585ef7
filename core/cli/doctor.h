// doctor.h - what the parts of the doctor share: a list of findings.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_DOCTOR_H
#define SHOAL_CORE_CLI_DOCTOR_H
#include <jansson.h>

#include "cli/cli.h"

enum shoal_finding {
    SHOAL_FINDING_FINE = 0,
    SHOAL_FINDING_NOTE = 1, ///< worth knowing, nothing is wrong
    SHOAL_FINDING_BAD = 2,
};
struct shoal_doctor {
    json_t *findings;   ///< [{about, level, text, do}]
    int bad;
    const struct shoal_config *config;
    struct shoal_instance *instance;
    bool is_running;    ///< a server works on the folder now
};
/// Adds a finding; what_to_do NULL where there is nothing to do.
void shoal_doctor_say(struct shoal_doctor *doctor, enum shoal_finding level, const char *about,
    const char *what_to_do, const char *format, ...) SHOAL_PRINTF(5, 6);

void shoal_doctor_folder(struct shoal_doctor *doctor);  ///< rights, disk, limits
void shoal_doctor_system(struct shoal_doctor *doctor);  ///< clock, ffmpeg, sandbox
void shoal_doctor_network(struct shoal_doctor *doctor); ///< ports, URL, proxy, certificate
void shoal_doctor_inside(struct shoal_doctor *doctor);  ///< plugins, migrations, jobs

/// Days until a certificate in a PEM file ends; SHOAL_EUNREADABLE with a sentence.
int shoal_doctor_certificate(const char *path, int *days, struct shoal_err *err);

#endif
