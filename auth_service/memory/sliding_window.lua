-- Counts one hit in each of several sliding windows, or in none of them.
--
-- KEYS: a list of hit times for each window, oldest first, in milliseconds of this server's clock.
-- ARGV: for each window how many hits it holds, and its length in milliseconds.
-- Gives {number of the first full window or 0, milliseconds until it has room or hits left in the
-- tightest, now}.
--
-- Looking and counting are one step, else parallel hits would all look first and then all count. A denied
-- hit is counted nowhere, so a denied client is free as soon as the window says. A list never holds more than
-- its window does, and is gone with its last hit.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local least

for window, key in ipairs(KEYS) do
  local holds, length = tonumber(ARGV[2 * window - 1]), tonumber(ARGV[2 * window])

  -- The clock was set back: nobody waits for a time that came twice.
  local newest = redis.call('LINDEX', key, -1)
  while newest and tonumber(newest) > now do
    redis.call('RPOP', key)
    newest = redis.call('LINDEX', key, -1)
  end

  local oldest = redis.call('LINDEX', key, 0)
  while oldest and oldest + length <= now do
    redis.call('LPOP', key)
    oldest = redis.call('LINDEX', key, 0)
  end

  local left = holds - redis.call('LLEN', key)
  if left <= 0 then
    -- There is room once the last `holds` hits have become one fewer; more than that are there only when the
    -- window was made smaller.
    return {window, redis.call('LINDEX', key, -holds) + length - now, now}
  end
  least = math.min(least or left, left)
end

for window, key in ipairs(KEYS) do
  redis.call('RPUSH', key, string.format('%.0f', now))
  redis.call('PEXPIREAT', key, string.format('%.0f', now + ARGV[2 * window]))
end
return {0, (least or 0) - 1, now}
