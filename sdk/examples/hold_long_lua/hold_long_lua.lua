-- hold_long_lua.lua - holds videos longer than an hour for a moderator.
local shoal = require "shoal"

shoal.decide("video.publish", function(event)
  local max_ms = shoal.setting "max"
  if event.video.duration * 1000 > max_ms then
    return shoal.hold(("longer than %d minutes: a moderator will look at it"):format(max_ms // 60000))
  end
end)
