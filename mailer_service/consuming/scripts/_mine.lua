-- Shared by every script that settles: server time, and whether an entry is still pending under this
-- consumer's name. A group or stream that Redis forgot holds nothing that could be ours.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function is_mine(key, group, consumer, id)
  local pending = redis.pcall('XPENDING', key, group, id, id, 1)
  return pending.err == nil and #pending == 1 and pending[1][2] == consumer
end

local function acknowledge(key, group, private, id)
  redis.call('XACK', key, group, id)
  if private == '1' then
    redis.call('XDEL', key, id)
  end
end

-- Where an entry that is due again belongs: one with as many crashes as `limit` is read alone.
local function home(fields, retry, suspects, limit)
  for i = 1, #fields, 2 do
    if fields[i] == 'crashes' and (tonumber(fields[i + 1]) or 0) >= tonumber(limit) then
      return suspects
    end
  end
  return retry
end

-- Notes when the fact was first on its stream, before the entry gets another id.
local function date(fields, id)
  for i = 1, #fields, 2 do
    if fields[i] == 'first' then
      return
    end
  end
  table.insert(fields, 'first')
  table.insert(fields, string.match(id, '^%d+'))
end

-- Cuts an entry that has more fields than Lua can unpack at once; it is no event, and found out when it is read.
local function narrow(fields)
  local kept = {}
  for i = 1, math.min(#fields, 1000) do
    kept[i] = fields[i]
  end
  return kept
end
