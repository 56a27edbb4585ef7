-- hold_long_test.lua - the same cases for the C and the Lua example.
test("lets an hour pass", function(kit)
  equal(kit.decide("video.publish", { video = { name = "Film", duration = 3600 } }), "pass")
end)

test("holds what is longer", function(kit)
  local verdict, sentence = kit.decide("video.publish", { video = { name = "Film", duration = 3601 } })
  equal(verdict, "hold")
  equal(sentence, "longer than 60 minutes: a moderator will look at it")
end)
