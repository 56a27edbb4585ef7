-- @NAME@.lua - holds videos whose title has a certain word.
local shoal = require "shoal"

shoal.decide("video.publish", function(event)
  local word = shoal.setting "word"
  if event.video.name:lower():find(word:lower(), 1, true) then
    return shoal.hold("the title has the word \"" .. word .. "\"")
  end
end)
