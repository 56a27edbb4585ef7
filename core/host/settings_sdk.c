// settings_sdk.c - settings as plugins and the core's rooms ask for them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/settings.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/json.h>

#include "base/log.h"
#include "data/data.h"
#include "host/config_keys.h"
#include "host/config_priv.h"
#include "host/host_priv.h"
#include "host/settings_priv.h"

static struct shoal_settings *instance;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/// Takes what the file and the command line say, by dotted name.
static json_t *fixed_of(const struct shoal_config *config)
{
    json_t *fixed = json_object();
    for (size_t i = 0; config && i < shoal_config_key_count; i++) {
        const json_t *value = shoal_config_get(config, shoal_config_keys[i].name);
        if (value) {
            json_object_set_new(fixed, shoal_config_keys[i].name, json_deep_copy(value));
        }
    }
    return fixed;
}

static void open_instance(const struct shoal_config *config)
{
    if (!instance) {
        instance =
            shoal_settings_new("", shoal_config_keys, shoal_config_key_count, fixed_of(config));
    }
}

void shoal_host_settings_open(const struct shoal_config *config)
{
    struct shoal_host *host = shoal_host_get();
    pthread_mutex_lock(&lock);
    open_instance(config);
    pthread_mutex_unlock(&lock);
    if (!host->options.config) {
        host->options.config = config; // for shoal_instance_path(), before the host starts
    }
    shoal_settings_apply();
}

struct shoal_settings *shoal_settings_instance(void)
{
    pthread_mutex_lock(&lock);
    open_instance(NULL);
    pthread_mutex_unlock(&lock);
    return instance;
}

void shoal_settings_instance_close(void)
{
    pthread_mutex_lock(&lock);
    shoal_settings_free(instance);
    instance = NULL;
    pthread_mutex_unlock(&lock);
}

json_t *shoal_instance_setting(const char *key)
{
    json_t *value = shoal_settings_get(shoal_settings_instance(), key);
    if (!value) {
        shoal_error("the instance has no setting \"%s\": a bug in who asks for it", key);
    }
    return value;
}

static void apply_rates(void)
{
    static const struct {
        const char *key;
        enum shoal_rate bucket;
    } rates[] = {{"http.rate.api", SHOAL_RATE_API}, {"http.rate.login", SHOAL_RATE_LOGIN},
        {"http.rate.register", SHOAL_RATE_REGISTER}, {"http.rate.ffmpeg", SHOAL_RATE_FFMPEG},
        {"http.rate.write", SHOAL_RATE_WRITE}, {"http.rate.search", SHOAL_RATE_SEARCH},
        {"http.rate.page", SHOAL_RATE_PAGE}, {"http.rate.peer", SHOAL_RATE_PEER}};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        json_t *value = shoal_instance_setting(rates[i].key);
        const char *text = json_string_value(value);
        uint32_t count = 0, window_ms = 0;
        if (text && shoal_rate_parse(text, &count, &window_ms) == 0) {
            shoal_rate_set(rates[i].bucket, count, window_ms);
        }
        json_decref(value);
    }
}

/// What the pages said about the log; what the file says is the program's business, since it also
/// knows --dev.
static void apply_log(void)
{
    json_t *level = shoal_store_get("", "log.level");
    json_t *format = shoal_store_get("", "log.format");
    enum shoal_log_level number = SHOAL_LOG_INFO;
    if (json_is_string(level) && shoal_log_level_parse(json_string_value(level), &number) == 0) {
        shoal_log_set_level(number);
    }
    if (json_is_string(format)) {
        bool is_json = strcmp(json_string_value(format), "json") == 0;
        shoal_log_set_format(is_json ? SHOAL_LOG_JSON : SHOAL_LOG_HUMAN);
    }
    json_decref(level);
    json_decref(format);
}

void shoal_settings_apply(void)
{
    apply_rates();
    apply_log();
}

/// The value of a declared setting; an undeclared one is a bug of the plugin.
static json_t *value_of(const struct shoal_plugin *self, const char *key)
{
    json_t *value = self->settings ? shoal_settings_get(self->settings, key) : NULL;
    if (!value) {
        shoal_error("plugin %s asks for its setting \"%s\", which its plugin.json does not declare",
            self->id.name, key);
        abort();
    }
    return value;
}

int64_t shoal_setting_i64(struct shoal_plugin *self, const char *key)
{
    json_t *value = value_of(self, key);
    int64_t number =
        json_is_real(value) ? (int64_t)json_real_value(value) : json_integer_value(value);
    json_decref(value);
    return number;
}

bool shoal_setting_bool(struct shoal_plugin *self, const char *key)
{
    json_t *value = value_of(self, key);
    bool is_true = json_is_true(value);
    json_decref(value);
    return is_true;
}

const char *shoal_setting_text(struct shoal_plugin *self, struct shoal_call *call, const char *key)
{
    json_t *value = value_of(self, key);
    const char *text = json_string_value(value);
    struct shoal_arena *arena = call ? call->arena : self->arena;
    const char *copy = text ? shoal_arena_strdup(arena, text) : NULL;
    json_decref(value);
    return copy;
}

json_t *shoal_setting_json(struct shoal_plugin *self, const char *key)
{
    return value_of(self, key);
}

static int may_set(const struct shoal_call *call, const char *plugin, struct shoal_err *err)
{
    const struct shoal_plugin *caller = shoal_call_plugin(call);
    bool is_own = caller && strcmp(caller->id.name, plugin) == 0;
    bool is_trusted =
        call->viewer.kind == SHOAL_VIEWER_USER && call->viewer.role == SHOAL_ROLE_ADMIN;
    bool is_system = !caller && call->viewer.kind == SHOAL_VIEWER_SYSTEM;
    if (is_own || is_trusted || is_system) {
        return 0;
    }
    return shoal_fail(err, SHOAL_EFORBIDDEN, "settings are for administrators");
}

/// NULL: no such plugin runs.
static struct shoal_settings *settings_of(const char *plugin)
{
    if (!plugin || !*plugin || strcmp(plugin, "instance") == 0) {
        return shoal_settings_instance();
    }
    const struct shoal_plugin *found = shoal_plugin_find(plugin);
    return found ? found->settings : NULL;
}

int shoal_setting_set(struct shoal_call *call, const char *plugin, const char *key,
    const json_t *value, struct shoal_err *err)
{
    int code = may_set(call, plugin, err);
    struct shoal_settings *settings = code < 0 ? NULL : settings_of(plugin);
    if (code == 0 && !settings) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "no plugin %s is running", plugin);
    }
    code = code < 0 ? code : shoal_settings_set(settings, call, key, value, err);
    if (code == 0 && settings == instance) {
        shoal_settings_apply();
    }
    return code;
}

json_t *shoal_host_settings(const char *plugin)
{
    struct shoal_settings *settings = settings_of(plugin);
    return settings ? shoal_settings_list(settings) : NULL;
}
