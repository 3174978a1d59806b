-- Counts the entries after an id, up to a limit, where they are: none of them travels for it.
-- Moves nothing; Redis itself does not know how many they are for a group that was begun within the stream.
-- KEYS: stream   ARGV: id, limit
return #redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
