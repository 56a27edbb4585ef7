-- gatekeeper_lua.lua - what may come in from other servers, and what goes out to whom, by rules of one's own.
local shoal = require "shoal"

-- The entries of a list that stands in a setting: "one.example, other.example".
local function has(setting, value)
  for entry in shoal.setting(setting):gmatch "[^,%s]+" do
    if entry == value then return entry end
  end
end

-- Comments with more links than people write are refused, and whole kinds of activities.
shoal.decide("federation.inbound", function(event)
  if has("refused_types", event.activity.type) then
    return shoal.refuse(event.activity.type .. " is not taken here")
  end
  local text = event.object and event.object.type == "Note" and event.object.content or ""
  local _, links = text:gsub("https?://", "")
  if links > shoal.setting "links" then
    return shoal.refuse "too many links for a comment"
  end
end)

-- What is said here stays away from these servers, whoever follows from there.
shoal.decide("federation.outbound", function(event)
  if has("silent_towards", event.host) then
    return shoal.refuse("nothing goes to " .. event.host)
  end
end)
