---@meta
-- Made by sdk/docs/make.mjs from hooks.def and the bindings: for editors, never loaded.

---@alias shoal.hook "upload.begin"|"upload.finish"|"video.fill"|"transcode.plan"|"transcode.encode"|"video.publish"|"video.published"|"video.changed"|"video.files"|"video.state"|"video.hidden"|"video.deleted"|"video.viewed"|"media.place"|"media.read"|"swarm.join"|"swarm.counted"|"embed.show"|"user.register"|"user.login"|"user.changed"|"channel.changed"|"follow.request"|"follow.changed"|"actor.forget"|"host.hidden"|"comment.create"|"comment.changed"|"rating.changed"|"federation.inbound"|"federation.read"|"federation.write"|"federation.outbound"|"verdict.given"|"route.enter"|"list.query"|"video.view"|"user.view"|"instance.view"|"page.data"|"settings.changed"|"instance.started"|"instance.stopping"|"health.changed"

---@class shoal.request
local request = {}

---@class shoal.metric
local metric = {}

---@class shoal
---@field null any JSON null
local shoal = {}

--- shoal.log("info", text): a line of the log; levels are debug, info, warn, error.
function shoal.log(...) end

--- ms = shoal.now_ms(): since 1970.
function shoal.now_ms(...) end

--- text = shoal.time_format(ms): "2026-01-31T12:00:00.000Z", as the API writes times.
function shoal.time_format(...) end

--- ms = shoal.time_parse(text), or nil.
function shoal.time_parse(...) end

--- text = shoal.uuid_new()
function shoal.uuid_new(...) end

--- text = shoal.random_hex(bytes): for secrets and names.
function shoal.random_hex(...) end

--- text = shoal.json_encode(value)
function shoal.json_encode(...) end

--- value, problem = shoal.json_decode(text): nil and a sentence for what is no JSON.
function shoal.json_decode(...) end

--- html = shoal.html_escape(text): for every text that goes into a slot.
function shoal.html_escape(...) end

--- html = shoal.markdown(text): what a user wrote, made clean.
function shoal.markdown(...) end

--- text = shoal.url_encode(text): for a part of a path or query.
function shoal.url_encode(...) end

--- url = shoal.url("/w/…"): a path of this site as an absolute URL.
function shoal.url(...) end

--- shoal.sleep(ms): other calls of the plugin run meanwhile.
function shoal.sleep(...) end

--- table = shoal.array(table): an empty one becomes [] in JSON, not {}.
function shoal.array(...) end

--- video, problem = shoal.video_get(id): as the call's viewer sees it; id, UUID or short UUID.
function shoal.video_get(...) end

--- list = shoal.video_list{ count = 10, sort = "-publishedAt", … }: {total, data}, as GET
--- /api/v1/videos.
function shoal.video_list(...) end

--- shoal.video_update(id, { name = "…", … }): fields as PUT /api/v1/videos/ID.
function shoal.video_update(...) end

--- shoal.video_delete(id)
function shoal.video_delete(...) end

--- channel, problem = shoal.channel_get "name"
function shoal.channel_get(...) end

--- list = shoal.channel_list{ … }
function shoal.channel_list(...) end

--- account, problem = shoal.account_get "name"
function shoal.account_get(...) end

--- list = shoal.account_list{ … }
function shoal.account_list(...) end

--- local find = shoal.sql "SELECT … WHERE id = $1": while the plugin starts, in the plugin's arena.
function shoal.sql(...) end

--- rows = shoal.query(sql, …): an array of tables by column name, at most 10,000.
function shoal.query(...) end

--- changed = shoal.exec(sql, …)
function shoal.exec(...) end

--- changed = shoal.tx{ {sql, …}, {sql, …} }: all or none.
function shoal.tx(...) end

--- shoal.touch "mine": what is cached for visitors is made anew.
function shoal.touch(...) end

--- answer, problem = shoal.fetch{ url, method, headers, body, max_bytes, timeout_ms, redirects }
function shoal.fetch(...) end

--- shoal.tell("video.published", function(event) … end)
---@param hook shoal.hook|string
---@param fn function
function shoal.tell(hook, fn) end

--- shoal.filter("video.view", function(value) … end): change it, or return another.
---@param hook shoal.hook|string
---@param fn function
function shoal.filter(hook, fn) end

--- shoal.decide("video.publish", function(event) return shoal.hold "why" end): nothing to let it
--- pass.
---@param hook shoal.hook|string
---@param fn function
function shoal.decide(hook, fn) end

--- return shoal.hold "why": for a decide; a moderator will look at it.
function shoal.hold(...) end

--- return shoal.refuse "why"
function shoal.refuse(...) end

--- return shoal.accept(): ends the asking; needs the permission moderation.override.
function shoal.accept(...) end

--- shoal.fire_tell("mine.done", payload): a hook of your manifest's "fires".
function shoal.fire_tell(...) end

--- value = shoal.fire_filter("mine.shape", value)
function shoal.fire_filter(...) end

--- verdict, sentence = shoal.fire_decide("mine.begin", payload): "pass", "hold" or "refuse".
function shoal.fire_decide(...) end

--- shoal.release("video.publish", "video:UUID"[, "why"]): lets go what you held; also days later.
function shoal.release(...) end

--- shoal.refuse_held("video.publish", "video:UUID"[, "why"])
function shoal.refuse_held(...) end

--- shoal.route{ method, path, handler, auth, body, rate, cache_s, cors, timeout_ms, produces,
--- body_max_bytes, cpu_ms }: auth is optional, user, moderator, admin or none; body none, data or
--- files; rate api, login, register, write, search, page, ffmpeg, peer or none. The handler answers,
--- or returns a table (200, as JSON).
function shoal.route(...) end

--- status, answer = shoal.api("GET", "/api/v1/videos?count=3", body)
function shoal.api(...) end

--- who = shoal.viewer(): {kind, role, user_id, username} of whoever asks; kind is anonymous, user,
--- actor or system.
function shoal.viewer(...) end

--- text = request:method()
function request:method(...) end

--- text = request:path()
function request:path(...) end

--- text = request:param "name": of {name} in the path.
function request:param(...) end

--- text = request:query "name", or nil.
function request:query(...) end

--- list = request:query_all "name"
function request:query_all(...) end

--- text = request:header "accept": makes the answer private.
function request:header(...) end

--- text = request:cookie "name": makes the answer private.
function request:cookie(...) end

--- text = request:address(): of the client.
function request:address(...) end

--- table = request:body(): JSON or a form's fields; raises on a broken one.
function request:body(...) end

--- text = request:bytes(): the body as it came.
function request:bytes(...) end

--- request:answer_header("name", "value"): before the answer.
function request:answer_header(...) end

--- request:json(200, value)
function request:json(...) end

--- request:answer(200, "text/plain", text)
function request:answer(...) end

--- request:status(204): an answer without a body.
function request:status(...) end

--- request:redirect("/there"[, 302])
function request:redirect(...) end

--- request:events("hello:room"): server-sent events, one for each message of that topic.
function request:events(...) end

--- return request:fail(400, "sentence"): problem+json, or the error page.
function request:fail(...) end

--- shoal.job("resize", function(payload, job) … end, { attempts = 3, concurrency = 1, … })
function shoal.job(...) end

--- id = shoal.job_add("resize", payload, { run_at_ms, priority, unique, subject })
function shoal.job_add(...) end

--- shoal.timer("clean", 60000, function() … end, { once_per_instance = true })
function shoal.timer(...) end

--- shoal.slot("watch.below_player", function(data) return html end)
function shoal.slot(...) end

--- shoal.cli("list", "lists the words", function(...) return text, exit_code end): text is a line
--- or more.
function shoal.cli(...) end

--- local seen = shoal.metric("words_seen", "counter", "Words that were found")
function shoal.metric(...) end

--- metric:add(n[, label]): of a counter.
function metric:add(...) end

--- metric:set(n[, label]): of a gauge.
function metric:set(...) end

--- metric:observe(n[, label]): of a histogram.
function metric:observe(...) end

--- shoal.provide("greeter", function(operation, arguments) … return result end)
function shoal.provide(...) end

--- shoal.provide_single("search", function(operation, arguments) … return result end): nobody else may.
function shoal.provide_single(...) end

--- result = shoal.service("search", "query", arguments[, plugin]): nil where nobody provides it.
function shoal.service(...) end

--- value = shoal.setting "name": of a declared setting; sizes are bytes and times milliseconds.
function shoal.setting(...) end

--- value = shoal.instance_setting "instance.name"
function shoal.instance_setting(...) end

--- shoal.publish("mine:room", value): to every subscriber and every request:events of that topic.
function shoal.publish(...) end

--- shoal.subscribe("video:UUID", function(message, topic) … end)
function shoal.subscribe(...) end

return shoal
