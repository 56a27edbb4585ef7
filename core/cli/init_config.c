// init_config.c - writes the first shoal.lua of an instance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <shoal/buf.h>

#include "cli/serve.h"

void shoal_init_put_string(struct shoal_buf *out, const char *text)
{
    shoal_buf_puts(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            shoal_buf_add(out, "\\", 1);
        }
        shoal_buf_add(out, text, 1);
    }
    shoal_buf_puts(out, "\"");
}

bool shoal_init_listen_valid(const char *text)
{
    if (strncmp(text, "unix:", 5) == 0) {
        return text[5] != '\0';
    }
    size_t length = strcspn(text, " ");
    const char *colon = memrchr(text, ':', length);
    const char *port = colon != NULL ? colon + 1 : text;
    size_t digits = strspn(port, "0123456789");
    return digits > 0 && digits <= 5 && strtol(port, NULL, 10) <= 65535 &&
           port + digits == text + length;
}

char *shoal_init_config(const char *listen, const char *url, const char *const *plugins)
{
    struct shoal_buf out = {0};
    shoal_buf_puts(&out,
        "-- shoal.lua - what this instance is made of. After a change: shoal check DIR, then\n"
        "-- shoal reload DIR. What stands here is shown locked in the web pages; the rest can be\n"
        "-- set there. env(\"NAME\") and file(\"PATH\") fetch secrets from elsewhere.\n\n");
    if (url != NULL) {
        shoal_buf_puts(&out, "-- The public address. Other servers know this one by it: it stays.\nurl = ");
        shoal_init_put_string(&out, url);
        shoal_buf_puts(&out, "\n\n");
    } else {
        shoal_buf_puts(&out,
            "-- The public address, once there is one. Other servers know this one by it: it stays.\n"
            "-- url = \"https://videos.example.org\"\n\n");
    }
    shoal_buf_puts(&out, "-- Where it listens. A line may end in \"tls\" or \"redirect\" (to https).\n"
                         "listen = { ");
    shoal_init_put_string(&out, listen);
    shoal_buf_puts(&out,
        " }\n"
        "-- listen = { \"0.0.0.0:80 redirect\", \"0.0.0.0:443 tls\" }\n"
        "-- tls = { certificate = \"tls/fullchain.pem\", key = \"tls/privkey.pem\" }\n\n"
        "-- instance = { name = \"Our videos\", short_description = \"What we film\" }\n"
        "-- signup = { enabled = false }\n\n"
        "-- What it can do, in order. Options stand behind the name: { \"web\", theme = \"default\" }\n"
        "plugins = {\n");
    for (size_t i = 0; plugins[i] != NULL; i++) {
        shoal_buf_puts(&out, "  ");
        shoal_init_put_string(&out, plugins[i]);
        shoal_buf_puts(&out, ",\n");
    }
    shoal_buf_puts(&out, "}\n");
    return shoal_buf_take(&out, NULL);
}
