-- word_count_test.lua - a table, a route, a filter and a slot, tried on the test kit's host.
test("counts the words of what is published", function(kit)
  kit.tell("video.published", { video = { name = "The sea, the sea" } })
  local status, answer = kit.request("GET", "/words")
  equal(status, 200)
  equal(answer.data[1].word, "sea")
  equal(answer.data[1].seen, 2)
end)

test("adds a field to the video", function(kit)
  local value = kit.filter("video.view", { video = { name = "one two three" }, shape = "list" })
  equal(value.video.pluginData.words, 3)
end)

test("escapes what it shows", function(kit)
  kit.tell("video.published", { video = { name = "fish" } })
  equal(kit.slot("footer", {}):find("<li>fish</li>", 1, true) ~= nil, true)
end)
