-- guestbook_lua.lua - whoever is logged in leaves a line; pages show them, and hear of new ones.
local shoal = require "shoal"

local add = shoal.sql "INSERT INTO guestbook_lua_line (who, line, at) VALUES ($1, $2, $3)"
local latest = shoal.sql "SELECT id, who, line, at FROM guestbook_lua_line ORDER BY id DESC LIMIT 20"
local count = shoal.sql "SELECT COUNT(*) AS n FROM guestbook_lua_line"
local drop = shoal.sql "DELETE FROM guestbook_lua_line WHERE at < $1"
local written = shoal.metric("guestbook_lines", "counter", "Lines that were written")

local function lines()
  return shoal.query(count)[1].n
end

shoal.job("welcome", function(payload)
  shoal.log("info", "the first line of " .. payload.who .. " is in the guest book")
end, { attempts = 3 })

shoal.route { method = "POST", path = "/guestbook", auth = "user", handler = function(request)
  local line, longest = request:body().line, shoal.setting "longest"
  if type(line) ~= "string" or not utf8.len(line) or utf8.len(line) == 0 or utf8.len(line) > longest then
    return request:fail(400, "a line has 1 to " .. longest .. " characters")
  end
  local who = shoal.viewer().username
  shoal.exec(add, who, line, shoal.now_ms())
  shoal.touch "guestbook" -- the list below is cached
  shoal.job_add("welcome", { who = who }, { unique = who })
  shoal.publish("guestbook:new", { who = who, line = line })
  written:add(1)
  request:json(200, { who = who, line = line })
end }

shoal.route { path = "/guestbook", cache_s = 30, handler = function(request)
  request:json(200, { lines = shoal.array(shoal.query(latest)) })
end }

shoal.route { path = "/guestbook/events", handler = function(request)
  request:events "guestbook:new"
end }

shoal.timer("clean", 60000, function()
  shoal.exec(drop, shoal.now_ms() - shoal.setting "keep")
end)

shoal.slot("footer", function()
  return '<p><a href="/guests">Guest book</a>: ' .. lines() .. "</p>"
end)

shoal.cli("count", "how many lines there are", function()
  return lines() .. " lines"
end)
