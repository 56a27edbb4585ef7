// fields.c - collects the text fields of a multipart body.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "base/alloc.h"
#include "net/sink_priv.h"

static int no_memory(struct shoal_err *err)
{
    return shoal_fail(err, SHOAL_EBUSY, "there is no memory for a field of this size now");
}

int shoal_fields_begin(struct shoal_fields *fields, const struct shoal_part *part,
    struct shoal_err *err)
{
    (void)err;
    memcpy(fields->name, part->name, sizeof fields->name);
    fields->value.length = 0;
    return 0;
}

int shoal_fields_data(struct shoal_fields *fields, const char *data, size_t length,
    struct shoal_err *err)
{
    fields->bytes += length;
    if (fields->bytes > SHOAL_FIELDS_BYTES) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "the text fields of the form are too large");
    }
    int code = shoal_buf_add(&fields->value, data, length);
    return code == 0 ? 0 : no_memory(err);
}

int shoal_fields_end(struct shoal_fields *fields, struct shoal_err *err)
{
    struct shoal_form *form = &fields->form;
    const char *text = fields->value.data && fields->value.length > 0 ? fields->value.data : "";
    if (memchr(text, 0, fields->value.length)) {
        return shoal_fail_field(err, fields->name, "the form field %.100s holds a NUL",
            fields->name);
    }
    if (form->count == form->room) {
        form->room = form->room ? form->room * 2 : 16;
        form->items = shoal_realloc(form->items, form->room, sizeof *form->items);
    }
    const char *value = shoal_arena_try_copy(fields->arena, text, fields->value.length);
    if (!value) {
        return no_memory(err);
    }
    form->items[form->count].name = shoal_arena_strdup(fields->arena, fields->name);
    form->items[form->count++].value = value;
    return 0;
}

void shoal_fields_fini(struct shoal_fields *fields)
{
    free(fields->form.items);
    fields->form = (struct shoal_form){0};
    shoal_buf_fini(&fields->value);
}

static int on_begin(void *user, const struct shoal_part *part, struct shoal_err *err)
{
    if (part->is_file && part->filename[0]) {
        return shoal_fail(err, SHOAL_ETYPE, "no file is taken here");
    }
    return shoal_fields_begin(user, part, err);
}

static int on_data(void *user, const char *data, size_t length, struct shoal_err *err)
{
    return shoal_fields_data(user, data, length, err);
}

static int on_end(void *user, struct shoal_err *err)
{
    return shoal_fields_end(user, err);
}

const struct shoal_part_ops shoal_field_ops = {on_begin, on_data, on_end};
