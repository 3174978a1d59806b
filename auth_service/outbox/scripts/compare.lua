-- Tells which entries of a stream are gone, and which one is its newest: both as of one moment, so that what
-- is remembered from now on was there together with all that was remembered before. Moves nothing.
-- An entry is there when its id is and has the same event: a Redis that began anew with its clock astray may
-- have given the id to another. Only places travel back, not the entries.
-- KEYS: stream   ARGV: entry id, event id, entry id, event id, ...
-- Gives the newest entry's id and event ('' and '' for none), then the places, from 1, of the pairs gone.
local function event_of(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'id' then return fields[i + 1] end
  end
  return ''
end

local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local told = newest and {newest[1], event_of(newest[2])} or {'', ''}
for i = 1, #ARGV, 2 do
  local found = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if not found or event_of(found[2]) ~= ARGV[i + 1] then
    told[#told + 1] = (i + 1) / 2
  end
end
return told
