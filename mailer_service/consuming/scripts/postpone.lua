-- Moves an entry from "pending and mine" to the delayed set, due after a wait by server time.
-- Atomic, and fenced: between the check and the move nobody else may have taken it over, or it would run twice.
-- Writes the new place before it leaves the old one: a script that fails half-way is not rolled back.
-- KEYS: stream, delayed   ARGV: group, consumer, private, id, wait ms, member (JSON array of the entry's fields)
if not is_mine(KEYS[1], ARGV[1], ARGV[2], ARGV[4]) then
  return 0
end
redis.call('ZADD', KEYS[2], now_ms() + tonumber(ARGV[5]), ARGV[6])
redis.call('PEXPIRE', KEYS[2], 172800000) -- no member waits for as long as that
acknowledge(KEYS[1], ARGV[1], ARGV[3], ARGV[4])
return 1
