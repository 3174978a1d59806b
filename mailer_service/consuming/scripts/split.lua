-- Moves one event for several recipients from "pending and mine" to one retry entry for each of them.
-- Atomic, and fenced: all the parts appear and the whole is acknowledged, or nothing happened.
-- KEYS: stream, retry (or the suspects, for an event with their crashes)   ARGV: group, consumer, private, id, recipients, field, value...
if not is_mine(KEYS[1], ARGV[1], ARGV[2], ARGV[4]) then
  return 0
end
for recipient = 0, tonumber(ARGV[5]) - 1 do
  redis.call('XADD', KEYS[2], '*', 'recipient', recipient, unpack(ARGV, 6))
end
acknowledge(KEYS[1], ARGV[1], ARGV[3], ARGV[4])
return 1
