-- line_chat_test.lua - what the API says of a video names the room.
test("a video has its room", function(kit)
  equal(kit.filter("video.view", { video = {} }).video.chat, "/line_chat/room")
end)
