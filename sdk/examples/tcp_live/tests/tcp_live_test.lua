-- tcp_live_test.lua - its own hook is there for others to decide on.
test("where nobody decides, everybody may send", function(kit)
  equal(kit.decide("tcp_live.publish", { key = "room", address_prefix = "192.0.2.0/24" }), "pass")
end)
