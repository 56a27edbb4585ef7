// doctor.c - shoal doctor: what is wrong, and what to do about it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <shoal/json.h>

#include "cli/serve.h"
#include "super/drop.h"

void shoal_doctor_say(struct shoal_doctor *doctor, enum shoal_finding level, const char *about,
    const char *what_to_do, const char *format, ...)
{
    static const char *const names[] = {"fine", "note", "bad"};
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *row = json_pack("{s:s, s:s, s:s}", "about", about, "level", names[level], "text", text);
    if (row == NULL) {
        row = json_pack("{s:s, s:s, s:s}", "about", about, "level", names[level], "text",
            "(a text that is not UTF-8)");
    }
    if (what_to_do != NULL) {
        json_object_set_new(row, "do", json_string(what_to_do));
    }
    json_array_append_new(doctor->findings, row);
    doctor->bad += level == SHOAL_FINDING_BAD ? 1 : 0;
}

static void print(const struct shoal_doctor *doctor)
{
    for (size_t i = 0; i < json_array_size(doctor->findings); i++) {
        const json_t *row = json_array_get(doctor->findings, i);
        const char *level = shoal_text(row, "level", "");
        const char *advice = shoal_text(row, "do", NULL);
        printf("%s %-12s %s\n", strcmp(level, "bad") == 0 ? "BAD " : strcmp(level, "note") == 0
                   ? "note" : "ok  ", shoal_text(row, "about", ""), shoal_text(row, "text", ""));
        if (advice != NULL) {
            printf("     %-12s -> %s\n", "", advice);
        }
    }
    if (doctor->bad == 0) {
        puts("\nNothing is wrong.");
    } else {
        printf("\n%d thing%s to look at.\n", doctor->bad, doctor->bad == 1 ? "" : "s");
    }
}

int shoal_cli_doctor(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    struct shoal_doctor doctor = {.findings = json_array(), .instance = &instance};
    const char *folder = args->words[0];
    doctor.is_running = shoal_lock_holder(folder) > 0;
    int code = shoal_instance_open(&instance, folder, SHOAL_OPEN_DATA, &err);
    if (code != 0) {
        shoal_doctor_say(&doctor, SHOAL_FINDING_BAD, "instance",
            "until this is right, nothing else can be looked at", "%s", err.text);
    } else {
        doctor.config = instance.config;
        shoal_doctor_say(&doctor, SHOAL_FINDING_FINE, "instance", NULL,
            "shoal.lua and the database can be read; the server %s",
            doctor.is_running ? "runs" : "does not run");
        shoal_doctor_folder(&doctor);
        shoal_doctor_system(&doctor);
        shoal_doctor_network(&doctor);
        shoal_doctor_inside(&doctor);
        shoal_instance_close(&instance);
    }
    if (shoal_args_has(args, "json")) {
        shoal_cli_print_json(json_pack("{s:i, s:O}", "bad", doctor.bad, "findings",
            doctor.findings));
    } else {
        print(&doctor);
    }
    json_decref(doctor.findings);
    return doctor.bad == 0 ? SHOAL_EXIT_FINE : SHOAL_EXIT_FINDINGS;
}
