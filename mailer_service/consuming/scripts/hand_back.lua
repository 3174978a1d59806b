-- Moves what pends under my name, but for the ids named as still in hand, to the retry stream as it is
-- (or back to the suspects).
-- Used for one entry that was not begun, for entries whose reply was lost on its way, and at shutdown.
-- Atomic, and fenced by the pending list itself: what another consumer took meanwhile is not touched.
-- KEYS: stream, retry, suspects   ARGV: group, consumer, private, crashes of a suspect, 'only' or 'except', id...
local named = {}
for i = 6, #ARGV do
  named[ARGV[i]] = true
end
local wanted = ARGV[5] == 'only'
local pending
if wanted and #ARGV == 6 then
  pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[6], ARGV[6], 1, ARGV[2])
else
  pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 10000, ARGV[2])
end
if pending.err then
  return 0
end
local moved = 0
for _, item in ipairs(pending) do
  local id = item[1]
  if (named[id] == true) == wanted then
    local found = redis.call('XRANGE', KEYS[1], id, id)
    if found[1] then -- a trimmed entry was finished or given up: only the pending mark goes
      local fields = narrow(found[1][2])
      date(fields, id)
      redis.call('XADD', home(fields, KEYS[2], KEYS[3], ARGV[4]), '*', unpack(fields))
    end
    acknowledge(KEYS[1], ARGV[1], ARGV[3], id)
    moved = moved + 1
  end
end
return moved
