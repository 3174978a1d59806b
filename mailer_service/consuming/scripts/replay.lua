-- Moves one dead letter back to the retry stream, its counts started anew and marked as replayed.
-- Atomic so that a letter replayed by two people at once goes out once.
-- KEYS: dead, retry   ARGV: id, field, value...
if not redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1] then
  return 0
end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
