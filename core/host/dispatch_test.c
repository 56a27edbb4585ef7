// dispatch_test.c - a server with the host as its app: who comes in, and what errors become.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "host/listener_open.h"
#include "host/test_kit.h"
#include "net/request.h"

static struct kit kit;
static struct shoal_server *server;
static int port;
static char answer[65536];

/// Tokens of the test: "admin", "moderator" and "user" are right.
static int know_token(struct shoal_call *call, const char *token, bool by_cookie,
    struct shoal_viewer *viewer, struct shoal_err *err)
{
    static const char *const names[] = {"admin", "moderator", "user"};
    (void)call;
    (void)by_cookie;
    for (int i = 0; i < 3; i++) {
        if (strcmp(token, names[i]) == 0) {
            *viewer = (struct shoal_viewer){.kind = SHOAL_VIEWER_USER,
                .role = (enum shoal_role)i,
                .user_id = i + 1,
                .username = names[i]};
            return 0;
        }
    }
    return shoal_fail_api(err, SHOAL_EAUTH, "invalid_token", "Invalid token");
}
static const struct shoal_host_auth authentication = {.token = know_token};

static int say_who(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    const char *name = shoal_call_viewer(call)->username;
    return shoal_answer_json(request, 200,
        json_pack("{s:s, s:s}", "who", name ? name : "nobody", "plugin",
            shoal_plugin_name(shoal_call_plugin(call))));
}

static int break_down(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)request;
    return shoal_fail(err, *(const int *)arg, "the secret path /etc/shadow");
}

static int say_nothing(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)request;
    (void)arg;
    (void)err;
    return 0;
}

static int give_form(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    return shoal_answer_text(request, 200, shoal_csrf(call, request));
}

/// Says on which thread it was, and fails or asks for a worker if it is told to.
static int say_where(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof(name));
    bool is_loop = strncmp(name, "loop", 4) == 0;
    if (is_loop && shoal_request_query(request, "later")) {
        return SHOAL_LATER;
    }
    int code = shoal_answer_json(request, 200,
        json_pack("{s:s, s:s, s:b}", "where", is_loop ? "loop" : "worker", "plugin",
            shoal_plugin_name(shoal_call_plugin(call)), "anonymous",
            shoal_call_viewer(call)->kind == SHOAL_VIEWER_ANONYMOUS));
    bool fails = is_loop && shoal_request_query(request, "fails");
    return fails ? shoal_fail(err, SHOAL_EIO, "a loop failed") : code;
}

static int ask_inside(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    int status = 0;
    json_t *inner = NULL;
    int code = shoal_inprocess(call, "GET", "/t/who", NULL, &status, &inner, err);
    if (code < 0) {
        return code;
    }
    json_object_set_new(inner, "status", json_integer(status));
    assert_ptr_equal(call->request, request);
    return shoal_answer_json(request, 200, inner);
}

static int ask_quick(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    int status = 0;
    json_t *inner = NULL;
    int code = shoal_inprocess(call, "GET", "/t/quick", NULL, &status, &inner, err);
    return code < 0 ? code : shoal_answer_json(request, status, inner);
}

static int ask_deeper(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    int status = 0;
    json_t *inner = NULL;
    int code = shoal_inprocess(call, "GET", "/t/deep", NULL, &status, &inner, err);
    json_decref(inner);
    return code < 0 ? code : shoal_answer_status(request, status);
}

static int render(struct shoal_call *call, struct shoal_request *request, int status,
    const struct shoal_err *why, void *arg, struct shoal_err *err)
{
    char page[256];
    (void)call;
    (void)arg;
    if (strstr(shoal_request_path(request), "unrenderable")) {
        return shoal_fail(err, SHOAL_EIO, "no template");
    }
    int length = snprintf(page, sizeof(page), "<h1>%d</h1>%s", status, why->text);
    return shoal_answer_bytes(request, status, "text/html; charset=utf-8", page, (size_t)length);
}

static enum shoal_verdict gate(struct shoal_call *call, json_t *event, void *arg)
{
    (void)arg;
    return strcmp(shoal_text(event, "path", ""), "/t/closed") == 0 ? shoal_refuse(call, "not today")
                                                                   : SHOAL_PASS;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const int internal = SHOAL_EINTERNAL;
    static const int busy = SHOAL_EBUSY;
    static const struct shoal_route routes[] = {
        {.method = "GET", .path = "/t/who", .handler = say_who, .rate = SHOAL_RATE_NONE},
        {.method = "POST", .path = "/t/who", .handler = say_who, .body = SHOAL_BODY_DATA},
        {.method = "GET", .path = "/t/closed", .handler = say_who},
        {.method = "GET", .path = "/t/none", .handler = say_who, .auth = SHOAL_AUTH_NONE},
        {.method = "GET",
            .path = "/t/quick",
            .handler = say_where,
            .quick = say_where,
            .auth = SHOAL_AUTH_NONE,
            .rate = SHOAL_RATE_NONE},
        {.method = "GET",
            .path = "/t/heard",
            .handler = say_where,
            .quick = say_where,
            .auth = SHOAL_AUTH_NONE},
        {.method = "GET", .path = "/t/user", .handler = say_who, .auth = SHOAL_AUTH_USER},
        {.method = "GET", .path = "/t/moderator", .handler = say_who, .auth = SHOAL_AUTH_MODERATOR},
        {.method = "GET", .path = "/t/admin", .handler = say_who, .auth = SHOAL_AUTH_ADMIN},
        {.method = "GET",
            .path = "/t/broken",
            .handler = break_down,
            .arg = (void *)(uintptr_t)&internal},
        {.method = "GET",
            .path = "/t/busy",
            .handler = break_down,
            .arg = (void *)(uintptr_t)&busy},
        {.method = "GET", .path = "/t/mute", .handler = say_nothing},
        {.method = "GET", .path = "/t/form", .handler = give_form},
        {.method = "GET", .path = "/t/inside", .handler = ask_inside},
        {.method = "GET", .path = "/t/deep", .handler = ask_deeper},
        {.method = "GET", .path = "/t/inside-quick", .handler = ask_quick},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]) && code == 0; i++) {
        code = shoal_route_add(self, &routes[i], err);
    }
    code = code < 0 ? code : shoal_fallback_set(self, render, NULL, err);
    return code < 0 ? code : shoal_decide(self, "route.enter", gate, NULL);
}

static int begin(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int fd = -1;
    kit_open(&kit, "");
    shoal_host_auth_set(&authentication);
    kit_start(&kit, false);
    assert_int_equal(
        kit_load("tested", start,
            "\"hooks\": [\"route.enter\"], \"permissions\": [\"routes:/t\", \"pages\"]", NULL,
            &err),
        0);
    assert_int_equal(shoal_listener_open(SHOAL_LISTEN_TCP, "127.0.0.1:0", &fd, &err), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    port = ntohs(address.sin_port);
    struct shoal_listen_fd listen = {.fd = fd, .loop = 0};
    struct shoal_server_options options = {.loops = 1,
        .workers = 2,
        .listens = &listen,
        .listen_count = 1,
        .temp_path = kit.folder,
        .app = shoal_host_app(),
        .stop_grace_ms = 1000};
    server = shoal_server_start(&options, &err);
    if (!server) {
        fail_msg("%s", err.text);
    }
    shoal_host_ready(true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_host_stopping("test", 0);
    shoal_server_stop(server);
    kit_close(&kit);
    shoal_host_auth_set(NULL);
    return 0;
}

/// Sends one request; returns its status and leaves the whole answer in `answer`.
static int ask(const char *method, const char *path, const char *headers, const char *body)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    char *request = NULL;
    int length = asprintf(
        &request, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\n%s", method, path, port, headers);
    assert_true(write(fd, request, (size_t)length) == length);
    free(request);
    length = body ? asprintf(&request, "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                        strlen(body), body)
                  : asprintf(&request, "Connection: close\r\n\r\n");
    assert_true(write(fd, request, (size_t)length) == length);
    free(request);
    size_t used = 0;
    for (ssize_t got; used < sizeof(answer) - 1 &&
                      (got = read(fd, answer + used, sizeof(answer) - 1 - used)) > 0;) {
        used += (size_t)got;
    }
    answer[used] = 0;
    close(fd);
    assert_true(used > 12);
    return (int)strtol(answer + 9, NULL, 10);
}

static int get(const char *path, const char *headers)
{
    return ask("GET", path, headers, NULL);
}

static void says(const char *part)
{
    if (!strstr(answer, part)) {
        fail_msg("the answer should say \"%s\":\n%s", part, answer);
    }
}

#define ADMIN  "Authorization: Bearer admin\r\n"
#define COOKIE "Cookie: shoal_session=user\r\n"

static void knows_who_asks(void **state)
{
    (void)state;
    assert_int_equal(get("/t/who", ""), 200);
    says("nobody");
    says("\"tested\"");
    assert_int_equal(get("/t/who", ADMIN), 200);
    says("admin");
    assert_int_equal(get("/t/who", COOKIE), 200);
    says("\"user\"");
}

static void a_bad_token_is_401_also_where_it_is_optional(void **state)
{
    (void)state;
    assert_int_equal(get("/t/who", "Authorization: Bearer wrong\r\n"), 401);
    says("invalid_token");
    assert_int_equal(get("/t/who", "Cookie: shoal_session=old\r\n"), 200);
    assert_int_equal(get("/t/user", "Cookie: shoal_session=old\r\n"), 401);
    assert_int_equal(get("/t/none", "Authorization: Bearer wrong\r\n"), 200);
}

static void roles_open_their_routes(void **state)
{
    (void)state;
    assert_int_equal(get("/t/user", ""), 401);
    assert_int_equal(get("/t/user", "Authorization: Bearer user\r\n"), 200);
    assert_int_equal(get("/t/moderator", "Authorization: Bearer user\r\n"), 403);
    assert_int_equal(get("/t/moderator", "Authorization: Bearer moderator\r\n"), 200);
    assert_int_equal(get("/t/admin", "Authorization: Bearer moderator\r\n"), 403);
    assert_int_equal(get("/t/admin", ADMIN), 200);
}

static void unknown_paths_and_methods_have_their_statuses(void **state)
{
    (void)state;
    assert_int_equal(get("/nowhere", ""), 404);
    says("application/problem+json");
    assert_int_equal(get("/api/v1/nowhere", ""), 400);
    assert_int_equal(ask("DELETE", "/t/who", "", NULL), 405);
    says("GET");
    assert_int_equal(get("/nowhere", "Accept: text/html,*/*\r\n"), 404);
    says("<h1>404</h1>");
    assert_int_equal(get("/nowhere", "Accept: text/html, application/json;q=0.9\r\n"), 404);
    says("<h1>404</h1>");
    assert_int_equal(get("/nowhere", "Accept: text/html;q=0.5, application/activity+json\r\n"), 404);
    says("application/problem+json");
    assert_int_equal(get("/unrenderable", "Accept: text/html\r\n"), 404);
    says("application/problem+json");
    assert_int_equal(get("/t/admin", "Accept: text/html\r\n"), 401);
    says("<h1>401</h1>");
}

static void inside_errors_stay_inside(void **state)
{
    (void)state;
    assert_int_equal(get("/t/broken", ""), 500);
    assert_null(strstr(answer, "shadow"));
    says("the log has it under");
    assert_int_equal(get("/t/busy", ""), 503);
    const char *later = strcasestr(answer, "retry-after: 5");
    assert_non_null(later);
    assert_null(strcasestr(later + 1, "retry-after:"));
    assert_int_equal(get("/t/mute", ""), 500);
}

static void route_enter_may_refuse(void **state)
{
    (void)state;
    assert_int_equal(get("/t/closed", ""), 403);
    says("not today");
}

static void a_cookie_changes_state_from_our_own_pages_alone(void **state)
{
    (void)state;
    char headers[512];
    static const char json[] = "Content-Type: application/json\r\n";
    static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";
    snprintf(headers, sizeof(headers), "%s" COOKIE, json);
    assert_int_equal(ask("POST", "/t/who", headers, "{}"), 403);
    snprintf(headers, sizeof(headers), "%s" COOKIE "Origin: http://evil.example\r\n", json);
    assert_int_equal(ask("POST", "/t/who", headers, "{}"), 403);
    snprintf(headers, sizeof(headers), "%s" COOKIE "Sec-Fetch-Site: cross-site\r\n", json);
    assert_int_equal(ask("POST", "/t/who", headers, "{}"), 403);
    snprintf(headers, sizeof(headers), "%s" COOKIE "Origin: http://localhost:%d\r\n", json, port);
    assert_int_equal(ask("POST", "/t/who", headers, "{}"), 200);
    snprintf(headers, sizeof(headers), "%s" COOKIE "Sec-Fetch-Site: same-origin\r\n", json);
    assert_int_equal(ask("POST", "/t/who", headers, "{}"), 200);
    snprintf(headers, sizeof(headers), "%s" ADMIN, json);
    assert_int_equal(ask("POST", "/t/who", headers, "{}"), 200);

    assert_int_equal(get("/t/form", COOKIE), 200);
    char token[80] = "";
    char fields[128];
    const char *start_of = strstr(answer, "\r\n\r\n");
    assert_non_null(start_of);
    snprintf(token, sizeof(token), "%.64s", start_of + 4);
    assert_int_equal(strspn(token, "0123456789abcdef"), 64);
    snprintf(headers, sizeof(headers), "%s" COOKIE, form);
    snprintf(fields, sizeof(fields), "csrf=%s", token);
    assert_int_equal(ask("POST", "/t/who", headers, fields), 200);
    snprintf(headers, sizeof(headers), "%s" COOKIE "X-Shoal-Csrf: %s\r\n", json, token);
    assert_int_equal(ask("POST", "/t/who", headers, "{}"), 200);
    snprintf(headers, sizeof(headers), "%sCookie: shoal_session=admin\r\n", form);
    assert_int_equal(ask("POST", "/t/who", headers, fields), 403);
}

static void requests_inside_are_of_the_same_visitor_and_end_somewhere(void **state)
{
    (void)state;
    assert_int_equal(get("/t/inside", ADMIN), 200);
    says("\"admin\"");
    assert_int_equal(get("/t/deep", ""), 400);
}

static void health_and_metrics_answer(void **state)
{
    (void)state;
    assert_int_equal(get("/health", ""), 200);
    says("\"ok\"");
    get("/t/who", "");
    assert_int_equal(get("/metrics", ""), 200);
    says("# TYPE shoal_http_requests counter");
    says("shoal_http_requests_total{status=\"2xx\"}");
    says("shoal_http_seconds_bucket{le=\"+Inf\"}");
    says("# TYPE shoal_connections gauge");
    says("shoal_jobs{state=\"parked\"} 0");
    says("# EOF");
    assert_int_equal(get("/metrics", "X-Forwarded-For: 203.0.113.9\r\n"), 200);
}

static void quick_routes_are_answered_by_the_loop(void **state)
{
    (void)state;
    assert_int_equal(get("/t/quick", ADMIN COOKIE), 200); // nobody looks at these
    says("\"loop\"");
    says("\"tested\"");
    says("\"anonymous\":true");
    assert_int_equal(get("/t/quick?later=1", ""), 200);
    says("\"worker\"");
    assert_int_equal(get("/t/quick?fails=1", ""), 200); // what failed there is asked again here
    says("\"worker\"");
    assert_int_equal(get("/t/heard", ""), 200); // a plugin wants to be asked first
    says("\"worker\"");
    assert_int_equal(get("/t/inside-quick", ""), 200);
    says("\"worker\"");
    assert_int_equal(get("/metrics", ""), 200);
    says("status=\"2xx\"} 5"); // those that loops answered too
}

static void routes_of_a_quarantined_plugin_are_unknown(void **state)
{
    (void)state;
    shoal_host_quarantine("tested", "it hung");
    assert_int_equal(get("/t/who", ""), 404);
    assert_int_equal(get("/t/quick", ""), 404);
    assert_int_equal(get("/health", ""), 200);
    says("degraded");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(knows_who_asks),
        CASE(a_bad_token_is_401_also_where_it_is_optional),
        CASE(roles_open_their_routes),
        CASE(unknown_paths_and_methods_have_their_statuses),
        CASE(inside_errors_stay_inside),
        CASE(route_enter_may_refuse),
        CASE(a_cookie_changes_state_from_our_own_pages_alone),
        CASE(requests_inside_are_of_the_same_visitor_and_end_somewhere),
        CASE(health_and_metrics_answer),
        CASE(quick_routes_are_answered_by_the_loop),
        CASE(routes_of_a_quarantined_plugin_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
