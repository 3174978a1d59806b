-- Writes a consumer's sign of life by server time; dead ones that nobody misses any more leave the set.
-- Atomic so that the time is the server's at the moment of writing.
-- KEYS: alive   ARGV: consumer, forget ms
local now = now_ms()
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return now
