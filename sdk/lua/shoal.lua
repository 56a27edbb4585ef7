---@meta
-- Made by sdk/docs/make.mjs from hooks.def and the bindings: for editors, never loaded.

---@alias shoal.hook "upload.begin"|"upload.finish"|"video.fill"|"transcode.plan"|"transcode.encode"|"video.publish"|"video.published"|"video.changed"|"video.files"|"video.state"|"video.hidden"|"video.deleted"|"video.viewed"|"media.place"|"media.read"|"embed.show"|"user.register"|"user.login"|"user.changed"|"channel.changed"|"verdict.given"|"route.enter"|"list.query"|"video.view"|"user.view"|"instance.view"|"page.data"|"settings.changed"|"instance.started"|"instance.stopping"|"health.changed"

---@class shoal
---@field null any JSON null
local shoal = {}

function shoal.log(...) end

function shoal.now_ms(...) end

function shoal.time_format(...) end

function shoal.time_parse(...) end

function shoal.uuid_new(...) end

function shoal.random_hex(...) end

function shoal.json_encode(...) end

function shoal.json_decode(...) end

function shoal.html_escape(...) end

function shoal.markdown(...) end

function shoal.url_encode(...) end

function shoal.url(...) end

function shoal.sleep(...) end

function shoal.array(...) end

function shoal.video_get(...) end

function shoal.video_list(...) end

function shoal.video_update(...) end

function shoal.video_delete(...) end

function shoal.channel_get(...) end

function shoal.channel_list(...) end

function shoal.account_get(...) end

function shoal.account_list(...) end

--- local find = shoal.sql "SELECT … WHERE id = $1": while the plugin starts, in the plugin's arena.
function shoal.sql(...) end

--- rows = shoal.query(sql, …): an array of tables by column name, at most 10,000.
function shoal.query(...) end

--- changed = shoal.exec(sql, …)
function shoal.exec(...) end

--- changed = shoal.tx{ {sql, …}, {sql, …} }: all or none.
function shoal.tx(...) end

function shoal.touch(...) end

--- answer, problem = shoal.fetch{ url, method, headers, body, max_bytes, timeout_ms, redirects }
function shoal.fetch(...) end

---@param hook shoal.hook|string
---@param fn function
function shoal.tell(hook, fn) end

---@param hook shoal.hook|string
---@param fn function
function shoal.filter(hook, fn) end

---@param hook shoal.hook|string
---@param fn function
function shoal.decide(hook, fn) end

function shoal.hold(...) end

function shoal.refuse(...) end

function shoal.accept(...) end

function shoal.fire_tell(...) end

function shoal.fire_filter(...) end

function shoal.fire_decide(...) end

function shoal.release(...) end

function shoal.refuse_held(...) end

--- shoal.route{ method, path, handler, auth, body, rate, cache_s, cors, timeout_ms, … }
function shoal.route(...) end

--- status, answer = shoal.api("GET", "/api/v1/videos?count=3", body)
function shoal.api(...) end

--- {kind, role, user_id, username} of whoever asks.
function shoal.viewer(...) end

--- shoal.job("resize", function(payload, job) … end, { attempts = 3, concurrency = 1, … })
function shoal.job(...) end

--- id = shoal.job_add("resize", payload, { run_at_ms, priority, unique, subject })
function shoal.job_add(...) end

--- shoal.timer("clean", 60000, function() … end, { once_per_instance = true })
function shoal.timer(...) end

--- shoal.slot("watch.below_player", function(data) return html end)
function shoal.slot(...) end

--- shoal.cli("list", "lists the words", function(...) return text, exit_code end)
function shoal.cli(...) end

--- local seen = shoal.metric("words_seen", "counter", "Words that were found")
function shoal.metric(...) end

--- shoal.provide("search", function(operation, arguments) … return result end)
function shoal.provide(...) end

--- result = shoal.service("search", "query", arguments[, plugin]); nil where nobody provides it.
function shoal.service(...) end

--- The typed value of a declared setting; sizes are bytes and times milliseconds.
function shoal.setting(...) end

function shoal.instance_setting(...) end

function shoal.publish(...) end

--- shoal.subscribe("video:UUID", function(message, topic) … end)
function shoal.subscribe(...) end

return shoal
