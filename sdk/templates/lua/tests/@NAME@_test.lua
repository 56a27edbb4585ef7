-- @NAME@_test.lua - run it with: shoal plugin test .
test("holds a title with the word", function(kit)
  local verdict, sentence = kit.decide("video.publish", { video = { name = "My Draft" } })
  equal(verdict, "hold")
  equal(sentence, 'the title has the word "draft"')
end)

test("lets other titles pass", function(kit)
  equal(kit.decide("video.publish", { video = { name = "A finished film" } }), "pass")
end)
