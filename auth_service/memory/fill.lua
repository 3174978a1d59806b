-- Keeps what was loaded with a ticket, if that ticket still stands; it is spent either way.
--
-- KEYS: the generation; the bundle.
-- ARGV: the field, the ticket, the value or nothing to give the ticket back, until when it is fresh and how
--   long the bundle lives (both in milliseconds), how many fields a bundle holds.
-- Gives 1 if nothing was dropped since the ticket was given, else 0 and keeps nothing.
--
-- Comparing and keeping are one step, else a change could be dropped in between and the old value stay. What
-- drops a bundle, or begins a generation, takes its tickets too; so does a server that forgot everything.
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local known = redis.pcall('GET', KEYS[1])
local generation = type(known) == 'string' and string.match(known, '^' .. server .. ' (%S+)$')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local value, ticket = 'v:' .. ARGV[1], 't:' .. ARGV[1]
local standing = redis.pcall('HGET', KEYS[2], ticket)
if not generation or type(standing) ~= 'string' then
  return 0
end
local given, given_until, name = string.match(standing, '^(%S+) (%d+) (%S+)$')
if given ~= generation or name ~= ARGV[2] or now >= tonumber(given_until) then
  return 0
end

redis.call('HDEL', KEYS[2], ticket)
if ARGV[3] == '' then
  return 1
end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[6]) and redis.call('HEXISTS', KEYS[2], value) == 0 then
  redis.call('DEL', KEYS[2])
end
local record = string.format('%s %.0f %s ', generation, now, ARGV[4]) .. ARGV[3]
redis.call('HSET', KEYS[2], value, record)
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
