-- Moves an entry from "pending and mine" to the dead letters, bounded by count and age.
-- Atomic, and fenced: a letter is buried once, by the consumer that still holds it.
-- KEYS: stream, dead   ARGV: group, consumer, private, id, length, age ms, field, value...
if not is_mine(KEYS[1], ARGV[1], ARGV[2], ARGV[4]) then
  return 0
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'last', now_ms(), unpack(ARGV, 7))
redis.call('XTRIM', KEYS[2], 'MINID', '~', now_ms() - tonumber(ARGV[6]))
acknowledge(KEYS[1], ARGV[1], ARGV[3], ARGV[4])
return 1
