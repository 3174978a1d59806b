-- Acknowledges finished entries, many at once, and deletes them where the stream is the group's own.
-- Not fenced: the work is on the record, so whoever holds the entry now would only find that out.
-- A key that is no stream holds nothing to acknowledge; any other refusal (READONLY, MISCONF) is the caller's to retry.
-- Atomic so that an acknowledged private entry never stays behind undeleted.
-- KEYS: stream   ARGV: group, private ('1' or '0'), id...
local acknowledged = 0
for i = 3, #ARGV do
  local count = redis.pcall('XACK', KEYS[1], ARGV[1], ARGV[i])
  if type(count) == 'table' then
    if string.find(count.err, '^WRONGTYPE') then
      return acknowledged
    end
    return count
  end
  acknowledged = acknowledged + count
  if ARGV[2] == '1' then
    redis.call('XDEL', KEYS[1], ARGV[i])
  end
end
return acknowledged
