-- Writes a consumer's sign of life by server time; dead ones that nobody misses any more leave the set.
-- Keeps the watch as well: since when signs have come, from anyone, without a gap. Tells how long that is.
-- Atomic so that the time is the server's at the moment of writing, and the gap is measured from the sign before.
-- KEYS: alive, watched   ARGV: consumer, forget ms, gap ms
local now = now_ms()
local last = tonumber(redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or 0)
local since = tonumber(redis.call('GET', KEYS[2]) or now)
if now - last >= tonumber(ARGV[3]) then
  since = now
end
redis.call('SET', KEYS[2], since, 'PX', ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return now - since
