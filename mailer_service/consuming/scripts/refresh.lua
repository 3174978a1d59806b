-- Begins anew to count how long entries are idle, for work that takes long and cannot be taken back, so that
-- nobody takes them for stuck. Atomic, and fenced: what another consumer has taken meanwhile stays there.
-- KEYS: stream   ARGV: group, consumer, id...
local mine = 0
for i = 3, #ARGV do
  if is_mine(KEYS[1], ARGV[1], ARGV[2], ARGV[i]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    mine = mine + 1
  end
end
return mine
