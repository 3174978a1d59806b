-- Takes entries from consumers that are dead (absent from `alive`, or silent for too long), and from anyone
-- who has sat on one for far too long. A dead consumer's entry counts one crash and goes to the retry stream,
-- after two crashes to the suspects; at the last crash it is claimed for me and returned, to be recorded and buried.
-- Atomic so that each is taken once, and only while I am a live consumer myself by the same clock.
-- KEYS: stream, retry, suspects, alive
-- ARGV: group, me, private, silent ms, stuck ms, crashes at most, count, first id to look at
-- Returns {next id or '', {reason, ...} of what was moved, {{id, crashes, consumer, fields}, ...} to bury}
local now = now_ms()
local function silent(consumer)
  local seen = redis.call('ZSCORE', KEYS[4], consumer)
  return not seen or tonumber(seen) < now - tonumber(ARGV[4])
end
local moved, poisonous, next_id = {}, {}, ''
if silent(ARGV[2]) then
  return { next_id, moved, poisonous }
end
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[4], ARGV[8], '+', ARGV[7])
if pending.err then
  return { next_id, moved, poisonous }
end
for _, item in ipairs(pending) do
  local id, consumer, idle = item[1], item[2], item[3]
  next_id = '(' .. id
  local dead = consumer ~= ARGV[2] and silent(consumer)
  if dead or (consumer ~= ARGV[2] and idle >= tonumber(ARGV[5])) then
    local found = redis.call('XRANGE', KEYS[1], id, id)
    if not found[1] then -- trimmed: it was finished or given up long ago
      redis.call('XACK', KEYS[1], ARGV[1], id)
    else
      local fields, crashes, taken_from = {}, 0, ''
      for i = 1, #found[1][2], 2 do
        local name, value = found[1][2][i], found[1][2][i + 1]
        if name == 'crashes' then
          crashes = tonumber(value) or 0
        elseif name == 'takenfrom' then
          taken_from = value .. ','
        else
          table.insert(fields, name)
          table.insert(fields, value)
        end
      end
      if dead then
        crashes = crashes + 1
      end
      fields = narrow(fields)
      -- Only a dead consumer's claims count no more: one that merely sits on its entry may still be sending.
      taken_from = dead and taken_from .. consumer or string.sub(taken_from, 1, -2)
      for _, note in ipairs({ 'crashes', tostring(crashes), 'takenfrom', taken_from }) do
        table.insert(fields, note)
      end
      date(fields, id)
      if dead and crashes >= tonumber(ARGV[6]) then
        redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id, 'JUSTID')
        table.insert(poisonous, { id, crashes, consumer, fields })
      else
        redis.call('XADD', home(fields, KEYS[2], KEYS[3], ARGV[6] - 1), '*', unpack(fields))
        acknowledge(KEYS[1], ARGV[1], ARGV[3], id)
        table.insert(moved, dead and 'consumer_dead' or 'stuck')
      end
    end
  end
end
if #pending < tonumber(ARGV[7]) then
  next_id = ''
end
return { next_id, moved, poisonous }
