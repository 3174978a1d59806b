-- Moves retries that are due, by server time, from the delayed set to the retry stream.
-- Atomic so that two replicas promote each retry once; the entry is written before its member goes.
-- KEYS: delayed, retry, suspects, dead   ARGV: how many at most, crashes of a suspect
local function read(member)
  local readable, fields = pcall(cjson.decode, member)
  if not readable or type(fields) ~= 'table' or #fields == 0 or #fields % 2 == 1 then
    return nil
  end
  for i = 1, #fields do
    if type(fields[i]) ~= 'string' then
      return nil
    end
  end
  return fields
end

local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms(), 'LIMIT', 0, ARGV[1])
for _, member in ipairs(due) do
  local fields = read(member)
  if fields then
    redis.call('XADD', home(fields, KEYS[2], KEYS[3], ARGV[2]), '*', unpack(fields))
  else -- nothing here writes such a member; keep it where a person sees it rather than fail for ever
    redis.call('XADD', KEYS[4], '*', 'reason', 'undecodable', 'member', member, 'last', now_ms())
  end
  redis.call('ZREM', KEYS[1], member)
end
return #due
