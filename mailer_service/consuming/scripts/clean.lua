-- Removes consumers that have nothing pending and show no life. XGROUP DELCONSUMER destroys what is pending,
-- so the check and the removal must be one step.
-- KEYS: stream, alive   ARGV: group, me, silent ms
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then
  return 0
end
local removed = 0
for _, flat in ipairs(consumers) do
  local info = {}
  for i = 1, #flat, 2 do
    info[flat[i]] = flat[i + 1]
  end
  local seen = redis.call('ZSCORE', KEYS[2], info['name'])
  local silent = not seen or tonumber(seen) < now_ms() - tonumber(ARGV[3])
  if info['name'] ~= ARGV[2] and info['pending'] == 0 and silent and info['idle'] >= tonumber(ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], info['name'])
    removed = removed + 1
  end
end
return removed
