-- gatekeeper_test.lua - the rules by themselves.
local function note(text)
  return { activity = { type = "Create" }, object = { type = "Note", content = text }, host = "other.example" }
end

test("lets people talk", function(kit)
  equal(kit.decide("federation.inbound", note "See https://example.org/ for more"), "pass")
  equal(kit.decide("federation.inbound", { activity = { type = "Follow" }, objectId = "https://here.example/accounts/peertube" }), "pass")
  equal(kit.decide("federation.outbound", { activity = { type = "Create" }, host = "other.example" }), "pass")
end)

test("refuses what has too many links", function(kit)
  local verdict, sentence = kit.decide("federation.inbound", note(("https://spam.example/ "):rep(4)))
  equal(verdict, "refuse")
  equal(sentence, "too many links for a comment")
end)
