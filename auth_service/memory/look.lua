-- Looks for one value of a bundle: gives it while it is fresh, else lets one caller load it anew.
--
-- KEYS: the generation; the bundle (a hash), or the pointer (a string) that ends in the bundle's name.
-- ARGV: the name of a new generation, the field, the caller's ticket, its life in milliseconds, and what the
--   bundle's name begins with where KEYS[2] is a pointer, else nothing. All keys are in one hash slot.
-- Gives {hit, value, bundle, what the value is bound to: its generation and until when it is fresh}, {miss or
--   stale: the ticket is the caller's, the time in milliseconds, bundle, generation}, {taken: somebody loads,
--   their ticket, bundle, generation and time} or {nowhere: there is no pointer, '', '', ''}.
--
-- A ticket must be given in the step that finds nothing: whoever loads after that sees every change whose
-- `drop` came before it. The server is asked who it is in the same step, so nothing that an earlier server
-- knew is ever taken from one that began anew on its data, which may be older than what was dropped.
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
-- A server that refuses writes refuses drops, too: nothing may be taken from it. So this is asked as a write,
-- though it changes nothing where there is a generation; where it is refused, the write below fails as well.
local begun = server .. ' ' .. ARGV[1]
local known = redis.pcall('SET', KEYS[1], begun, 'EX', 604800, 'NX', 'GET') or begun
local generation = type(known) == 'string' and string.match(known, '^' .. server .. ' (%S+)$')
if not generation then -- of another server, or somebody else's key
  generation = ARGV[1]
  redis.call('SET', KEYS[1], begun, 'EX', 604800)
end

local bundle = KEYS[2]
if ARGV[5] ~= '' then
  local rest = redis.pcall('GET', KEYS[2])
  if type(rest) ~= 'string' or #rest > 64 or not string.match(rest, '^[%w-]+$') then
    return {'nowhere', '', '', ''}
  end
  bundle = ARGV[5] .. rest
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.pcall('HMGET', bundle, 'v:' .. ARGV[2], 't:' .. ARGV[2])
if found.err then -- somebody else's key
  redis.call('DEL', bundle)
  found = {}
end

local made, filled, fresh_until, at = string.match(found[1] or '', '^(%S+) (%d+) (%d+) ()')
local ours = made == generation
-- A clock that was set back makes nothing fresh again.
if ours and tonumber(filled) <= now and now < tonumber(fresh_until) then
  return {'hit', string.sub(found[1], at), bundle, made .. ' ' .. fresh_until}
end

local given, given_until, ticket = string.match(found[2] or '', '^(%S+) (%d+) (%S+)$')
local left = (tonumber(given_until) or 0) - now
if given == generation and left > 0 and left <= tonumber(ARGV[4]) then
  return {'taken', ticket, bundle, string.format('%s %.0f', generation, now)}
end

redis.call('HSET', bundle, 't:' .. ARGV[2], string.format('%s %.0f %s', generation, now + ARGV[4], ARGV[3]))
if redis.call('PTTL', bundle) < tonumber(ARGV[4]) then
  redis.call('PEXPIRE', bundle, ARGV[4])
end
return {ours and 'stale' or 'miss', string.format('%.0f', now), bundle, generation}
