-- word_count_lua.lua - counts the words of titles, and shows the most frequent ones.
local shoal = require "shoal"

local add = shoal.sql [[
  INSERT INTO word_count_lua_word (word, seen) VALUES ($1, 1)
  ON CONFLICT (word) DO UPDATE SET seen = word_count_lua_word.seen + 1]]
local most = shoal.sql [[
  SELECT word, seen FROM word_count_lua_word ORDER BY seen DESC, word LIMIT CAST($1 AS BIGINT)]]

local function words(title)
  local list = {}
  for word in title:lower():gmatch "%w+" do
    list[#list + 1] = word
  end
  return list
end

-- Durable: it is told again after a crash, until this function has returned.
shoal.tell("video.published", function(event)
  local statements = {}
  for _, word in ipairs(words(event.video.name)) do
    if #statements < 32 then
      statements[#statements + 1] = { add, word }
    end
  end
  if #statements > 0 then
    shoal.tx(statements)
    shoal.touch "word_count_lua"
  end
end)

-- What the API says about a video gets a field of this plugin.
shoal.filter("video.view", function(value)
  value.video.pluginData = value.video.pluginData or {}
  value.video.pluginData.words = #words(value.video.name)
end)

shoal.route {
  path = "/words",
  cache_s = 30,
  handler = function(request)
    request:json(200, { data = shoal.array(shoal.query(most, shoal.setting "shown")) })
  end,
}

shoal.slot("footer", function()
  local parts = {}
  for _, row in ipairs(shoal.query(most, shoal.setting "shown")) do
    parts[#parts + 1] = "<li>" .. shoal.html_escape(row.word) .. "</li>"
  end
  return table.concat(parts)
end)
