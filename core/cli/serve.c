// serve.c - shoal serve: the supervisor, and the server that it starts as its child.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "cli/serve.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>
#include <shoal/settings.h>

#include "base/drill.h"
#include "base/file.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "data/data.h"
#include "host/disks.h"
#include "net/request.h"
#include "super/backoff.h"
#include "super/memory.h"
#include "super/super.h"
#include "super/watchdog.h"

/// A server while it runs, in the order in which its parts are started.
struct served {
    struct shoal_super_child child;
    struct shoal_config *config;
    struct shoal_router *router;
    struct shoal_server *server;
    struct shoal_app inner; ///< what answers requests, behind the refusals
    json_t *settings;       ///< keeps the texts of the options alive
    const char *proxies[65];
    const char *locales[65];
    int64_t started_ms; ///< of shoal_tick_ms()
    int64_t refuses_ms; ///< how long from then the requests of old crashes are refused
    bool is_dev, has_data, has_catalog, has_host, has_jobs;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool is_told;
    char reason[32];
};

/// An effective setting of the instance; borrowed until the server ends.
static const json_t *setting(struct served *served, const char *key)
{
    json_t *value = shoal_instance_setting(key);
    if (value == NULL) {
        return NULL;
    }
    json_array_append_new(served->settings, value);
    return value;
}

static json_int_t number(struct served *served, const char *key, json_int_t otherwise)
{
    const json_t *value = setting(served, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static const char *text(struct served *served, const char *key)
{
    const char *value = json_string_value(setting(served, key));
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static void log_open(struct served *served, bool is_dev)
{
    enum shoal_log_level level = SHOAL_LOG_INFO;
    const json_t *wanted = shoal_config_get(served->config, "log.level");
    const json_t *format = shoal_config_get(served->config, "log.format");
    if (json_is_string(wanted)) {
        shoal_log_level_parse(json_string_value(wanted), &level);
    }
    bool is_json = json_is_string(format) && strcmp(json_string_value(format), "json") == 0;
    shoal_log_set_level(is_dev ? SHOAL_LOG_DEBUG : level);
    shoal_log_set_format(is_json && !is_dev ? SHOAL_LOG_JSON : SHOAL_LOG_HUMAN);
}

/// A request that crashed the server twice is answered without being run: for some minutes, since
/// others may need it (a log-in), and who sent the fatal one may be gone.
static void run_or_refuse(
    void *self, struct shoal_call *call, struct shoal_request *request, enum shoal_phase phase)
{
    struct served *served = self;
    char hash[20];
    if (shoal_tick_ms() - served->started_ms > served->refuses_ms) {
        served->inner.run(served->inner.self, call, request, phase);
        return;
    }
    shoal_crash_request_hash(shoal_request_method(request), shoal_request_path(request),
        shoal_request_query_string(request), hash);
    for (size_t i = 0; i < json_array_size(served->child.refuse); i++) {
        const char *refused = json_string_value(json_array_get(served->child.refuse, i));
        if (refused != NULL && strcmp(refused, hash) == 0) {
            struct shoal_err err = {0};
            shoal_fail(&err, SHOAL_EBUSY, "this request made the server fail before");
            shoal_answer_problem(request, &err);
            return;
        }
    }
    served->inner.run(served->inner.self, call, request, phase);
}

static uint64_t epoch_of(void *self)
{
    struct served *served = self;
    return served->inner.epoch(served->inner.self);
}

/// Whether another version than this one served last.
static bool version_differs(void)
{
    json_t *version = shoal_store_get("", "server.version");
    bool differs =
        !json_is_string(version) || strcmp(json_string_value(version), SHOAL_VERSION) != 0;
    json_decref(version);
    return differs;
}

/// Whether this program would change tables that an older child still writes to.
static bool has_migrations(const struct served *served)
{
    bool differs = version_differs();
    char shipped[PATH_MAX], folder[PATH_MAX];
    bool has_shipped = shoal_path_shipped("plugins", shipped);
    for (size_t i = 0; i < served->config->plugin_count && !differs; i++) {
        const char *name = served->config->plugins[i].name;
        const char *const roots[] = {served->config->folder, has_shipped ? shipped : NULL};
        for (size_t j = 0; j < 2 && roots[j] != NULL && !differs; j++) {
            struct stat info;
            int wrote = snprintf(folder, sizeof folder, "%s%s/%s/migrations", roots[j],
                j == 0 ? "/plugins" : "", name);
            if (wrote > 0 && wrote < (int)sizeof folder && stat(folder, &info) == 0) {
                differs = shoal_migrations_pending(name, folder, NULL) > 0;
                break;
            }
        }
    }
    return differs;
}

static int version_store(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)arg;
    json_t *version = json_string(SHOAL_VERSION);
    int code = shoal_store_set(call, tx, "", "server.version", version, err);
    json_decref(version);
    return code;
}

static int data_start(struct served *served, struct shoal_err *err)
{
    char path[PATH_MAX], copied[PATH_MAX] = "";
    int code = shoal_data_open(shoal_instance_database(served->config, path), err);
    if (code != 0) {
        return code;
    }
    served->has_data = true;
    if (served->child.generation > 1 && has_migrations(served)) {
        shoal_info("tables will change: waiting for the older server to end");
        code = shoal_super_child_alone(err);
    }
    code = code != 0 ? code : shoal_catalog_migrate(copied, err);
    if (code == 0 && copied[0] != '\0') {
        shoal_info("the database was copied to %s before its tables were changed", copied);
    }
    const char *name;
    json_t *sentence;
    json_object_foreach(served->child.quarantine, name, sentence)
    {
        struct shoal_err why = {0};
        if (shoal_host_quarantine_store(name, json_string_value(sentence), &why) != 0) {
            shoal_error("plugin %s is to be quarantined, but: %s", name, why.text);
        }
    }
    return code;
}

static int host_start(struct served *served, struct shoal_err *err)
{
    int code = shoal_catalog_start(served->config, err);
    if (code != 0) {
        return code;
    }
    served->has_catalog = true;
    served->router = shoal_router_new();
    struct shoal_host_options options = shoal_instance_host_options(served->config, served->router);
    options.is_safe_mode = served->child.is_safe_mode;
    options.is_dev = served->is_dev;
    shoal_host_opener_set(shoal_super_listen);
    code = shoal_host_start(&options, err);
    if (code == 0) {
        served->has_host = true;
        shoal_crash_modules();
    }
    return code;
}

static void list_of(const json_t *value, const char **out, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(value) && count + 1 < room; i++) {
        const char *item = json_string_value(json_array_get(value, i));
        if (item != NULL) {
            out[count++] = item;
        }
    }
    out[count] = NULL;
}

static int server_start(struct served *served, struct shoal_err *err)
{
    char temporary[PATH_MAX];
    snprintf(temporary, sizeof temporary, "%s/tmp", served->config->folder);
    int code = shoal_folder_make(temporary, 0750, err);
    if (code != 0) {
        return code;
    }
    list_of(setting(served, "trusted_proxies"), served->proxies, 65);
    served->inner = shoal_host_app();
    served->started_ms = shoal_tick_ms();
    served->refuses_ms = shoal_drill_ms("SHOAL_REFUSES_MS", SHOAL_CRASH_WINDOW_MS);
    bool refuses = json_array_size(served->child.refuse) > 0;
    struct shoal_server_options options = {
        .loops = served->child.loops,
        .workers = (int)number(served, "workers", 0),
        .listens = served->child.listens,
        .listen_count = served->child.listen_count,
        .tls_cert_path = text(served, "tls.certificate"),
        .tls_key_path = text(served, "tls.key"),
        .acme_path = text(served, "tls.acme"),
        .trusted_proxies = served->proxies,
        .reads_forwarded = json_is_true(setting(served, "proxies_forwarded")),
        .temp_path = temporary,
        .url = text(served, "url"),
        .cache_bytes = (uint64_t)number(served, "http.cache", 0),
        .is_cache_off = number(served, "http.cache", 1) == 0,
        .queue_max = (uint32_t)number(served, "http.queue", 0),
        .stays = shoal_super_child_stays,
        .stop_grace_ms = (uint32_t)number(served, "http.stop_grace", 30000),
        .app = refuses ? (struct shoal_app){served, run_or_refuse, epoch_of} : served->inner,
    };
    const char *locale = text(served, "instance.language");
    shoal_host_locales(locale != NULL ? locale : "en", served->locales, 65);
    options.locales = served->locales;
    shoal_server_use(served->router);
    served->server = shoal_server_start(&options, err);
    if (served->server == NULL) {
        return err->code != 0 ? err->code : SHOAL_EIO;
    }
    shoal_super_child_listens(&served->child);
    return 0;
}

static void told(const char *reason, void *user)
{
    struct served *served = user;
    pthread_mutex_lock(&served->lock);
    if (served->is_told) {
        shoal_server_hurry(); // it is stopping, and something stays
    } else {
        snprintf(served->reason, sizeof served->reason, "%s", reason);
    }
    served->is_told = true;
    pthread_cond_signal(&served->told);
    pthread_mutex_unlock(&served->lock);
}

static void disks_watch(struct served *served)
{
    char path[PATH_MAX];
    shoal_disks_add("the instance", served->config->folder);
    shoal_instance_database(served->config, path);
    *strrchr(path, '/') = '\0';
    shoal_disks_add("the database", path);
    if (shoal_disks_start() != 0) {
        shoal_warn("the disks are not watched");
    }
}

static int start(struct served *served, const struct shoal_args *args, struct shoal_err *err)
{
    bool is_dev = served->is_dev = shoal_args_has(args, "dev");
    const char *sets[SHOAL_OVERRIDES_MAX];
    size_t count = shoal_super_overrides(args->argc, args->argv, sets);
    if (is_dev) {
        setenv("SHOAL_DEV", "1", 1);
    }
    served->config = shoal_config_read(args->words[0], sets, count, err);
    if (served->config == NULL) {
        return SHOAL_EINVAL;
    }
    log_open(served, is_dev);
    const json_t *memory = shoal_config_get(served->config, "memory.max");
    shoal_watchdog_memory(shoal_memory_most(json_integer_value(memory)));
    int code = shoal_watchdog_start(served->child.loops, err); // a plugin may hang while it starts
    code = code != 0 ? code : data_start(served, err);
    code = code != 0 ? code : host_start(served, err);
    if (code == 0 && is_dev) {
        log_open(served, true); // the host goes by its settings
    }
    code = code != 0 ? code : server_start(served, err);
    if (code != 0) {
        return code;
    }
    disks_watch(served);
    code = shoal_jobs_start((int)number(served, "jobs.workers", 4), err);
    served->has_jobs = code == 0;
    return code;
}

/// In reverse; whatever was started.
static void stop(struct served *served)
{
    if (served->has_host && served->server != NULL) {
        shoal_host_stopping(served->reason, number(served, "http.stop_grace", 30000));
    }
    shoal_timers_hand_over();
    if (served->has_jobs) {
        shoal_jobs_stop();
    }
    if (served->server != NULL && strcmp(served->reason, "reload") == 0) {
        shoal_server_hand_over(served->server, number(served, "streams.stay", 0));
    }
    if (served->server != NULL) {
        shoal_server_stop(served->server);
    }
    if (served->has_catalog) {
        shoal_catalog_rest();
    }
    shoal_watchdog_stop();
    if (served->has_host) {
        shoal_host_stop();
    }
    if (served->router != NULL) {
        shoal_router_free(served->router);
    }
    if (served->has_catalog) {
        shoal_catalog_stop();
    }
    if (served->has_data) {
        shoal_data_close();
    }
    if (served->config != NULL) {
        shoal_config_free(served->config);
    }
    json_decref(served->settings);
}

static void say_where(struct served *served)
{
    const char *url = text(served, "url");
    for (size_t i = 0; i < served->config->listen_count && url == NULL; i++) {
        const struct shoal_config_listen *line = &served->config->listens[i];
        if (!line->is_unix && !line->is_redirect) {
            bool is_any = strcmp(line->host, "0.0.0.0") == 0 || strcmp(line->host, "::") == 0;
            bool is_v6 = strchr(line->host, ':') != NULL && !is_any;
            shoal_info("serving on http%s://%s%s%s:%d", line->is_tls ? "s" : "", is_v6 ? "[" : "",
                is_any || strcmp(line->host, "127.0.0.1") == 0 ? "localhost" : line->host,
                is_v6 ? "]" : "", line->port);
        }
    }
    if (url != NULL) {
        shoal_info("serving %s", url);
    }
}

/// run/plugins.json: how the plugins came up, for the doctor.
static void plugins_write(const struct served *served)
{
    char path[PATH_MAX];
    struct shoal_err err = {0};
    json_t *plugins = shoal_host_plugins();
    char *list = json_dumps(plugins, JSON_INDENT(2));
    json_decref(plugins);
    int wrote = snprintf(path, sizeof path, "%s/run/plugins.json", served->config->folder);
    if (list != NULL && wrote > 0 && wrote < (int)sizeof path &&
        shoal_file_write_whole(path, list, strlen(list), 0640, &err) != 0) {
        shoal_warn("%s", err.text);
    }
    free(list);
}

/// Serves until it is told to stop.
static int serve(struct served *served, const struct shoal_args *args, struct shoal_err *err)
{
    int code = start(served, args, err);
    if (code != 0) {
        return code;
    }
    json_t *before = shoal_store_get("", "server.version");
    bool is_first = before == NULL;
    json_decref(before);
    if (version_differs()) { // on a full disk a server that writes nothing still comes back
        struct shoal_call call;
        shoal_call_init(&call);
        code = shoal_tx(&call, version_store, NULL, err);
        shoal_call_fini(&call);
    }
    if (code != 0) {
        return code;
    }
    code = shoal_super_child_ready(&served->child, told, served, err);
    if (code != 0) {
        return code;
    }
    say_where(served);
    plugins_write(served);
    shoal_host_ready(is_first);
    shoal_super_child_asked();
    pthread_mutex_lock(&served->lock);
    while (!served->is_told) {
        pthread_cond_wait(&served->told, &served->lock);
    }
    pthread_mutex_unlock(&served->lock);
    shoal_info("stopping: %s", served->reason);
    return 0;
}

/// A mistake of this very command line is better said at once than in the log: in shoal.lua it would
/// set one plugin aside.
static int overrides_check(const struct shoal_args *args, struct shoal_err *err)
{
    const char *sets[SHOAL_OVERRIDES_MAX];
    size_t count = shoal_super_overrides(args->argc, args->argv, sets);
    struct shoal_err unread = {0};
    struct shoal_config *config =
        count > 0 ? shoal_config_read(args->words[0], sets, count, &unread) : NULL;
    if (config == NULL) {
        return strncmp(unread.text, "--set ", 6) == 0
                   ? shoal_fail(err, SHOAL_EINVAL, "%s", unread.text)
                   : 0; // the supervisor says what else is wrong
    }
    struct shoal_host_options options = shoal_instance_host_options(config, NULL);
    json_t *plugins = shoal_host_check(&options);
    int code = 0;
    for (size_t i = 0; i < json_array_size(plugins) && code == 0; i++) {
        const char *problem = shoal_text(json_array_get(plugins, i), "problem", "");
        code = strncmp(problem, "--set ", 6) == 0 ? shoal_fail(err, SHOAL_EINVAL, "%s", problem)
                                                  : 0;
    }
    json_decref(plugins);
    shoal_config_free(config);
    return code;
}

int shoal_cli_serve(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    static struct served served = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER, .reason = "failed"};
    int code = shoal_super_child_read(&served.child, &err);
    if (code == SHOAL_ENOTFOUND) {
        if (overrides_check(args, &err) != 0) {
            return shoal_cli_usage("%s", err.text);
        }
        return shoal_super_run(args->words[0], args->argc, args->argv);
    }
    if (code != 0) {
        return shoal_cli_fail(&err);
    }
    served.settings = json_array();
    shoal_crash_install(served.child.crash_fd);
    shoal_watchdog_report_to(served.child.crash_fd);
    code = serve(&served, args, &err);
    if (code != 0) {
        shoal_super_child_failed(&err);
    }
    stop(&served);
    shoal_super_child_close(&served.child);
    return code == 0 ? SHOAL_EXIT_FINE : SHOAL_EXIT_FAILED;
}
