// sink_priv.h - the file side of bodies.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_SINK_PRIV_H
#define SHOAL_CORE_NET_SINK_PRIV_H
#include <shoal/base.h>

#include "net/body_priv.h"
#include "net/multipart_priv.h"

#define SHOAL_FIELDS_BYTES (1u << 20) // all text fields of one multipart body

/// Text fields of a multipart body.
struct shoal_fields {
    struct shoal_arena *arena;
    struct shoal_form form;
    struct shoal_buf value; // of the field being read
    char name[256];
    size_t bytes;
};

/// user is struct shoal_fields; file parts are refused.
extern const struct shoal_part_ops shoal_field_ops;
int shoal_fields_begin(struct shoal_fields *fields, const struct shoal_part *part,
    struct shoal_err *err);
int shoal_fields_data(struct shoal_fields *fields, const char *data, size_t length,
    struct shoal_err *err);
int shoal_fields_end(struct shoal_fields *fields, struct shoal_err *err);
void shoal_fields_fini(struct shoal_fields *fields);

/// File parts become temporary files, hashed on the way. Also the user of shoal_upload_ops.
struct shoal_uploading {
    struct shoal_fields fields;
    struct shoal_request *request;
    struct shoal_upload *upload; // being written; NULL in a text field
    bool is_skipped;             // a file field that was left empty
    int file;
    struct shoal_sha256 *sum; // of the file part being written
};
extern const struct shoal_part_ops shoal_upload_ops;
void shoal_uploading_fini(struct shoal_uploading *uploading);

#endif
