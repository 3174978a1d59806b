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

  local count, oldest = redis.call('LLEN', key), nil
  if count > 0 then
    -- The clock was set back: nobody waits for a time that came twice.
    while count > 0 and tonumber(redis.call('LINDEX', key, -1)) > now do
      redis.call('RPOP', key)
      count = count - 1
    end
    oldest = count > 0 and redis.call('LINDEX', key, 0)
    while oldest and oldest + length <= now do
      redis.call('LPOP', key)
      count = count - 1
      oldest = count > 0 and redis.call('LINDEX', key, 0)
    end
  end

  local left = holds - count
  if left <= 0 then
    -- There is room once the last `holds` hits have become one fewer; more than that are there only when the
    -- window was made smaller.
    local leaving = left == 0 and oldest or redis.call('LINDEX', key, -holds)
    return {window, leaving + length - now, now}
  end
  least = math.min(least or left, left)
end

for window, key in ipairs(KEYS) do
  redis.call('RPUSH', key, string.format('%.0f', now))
  redis.call('PEXPIREAT', key, string.format('%.0f', now + ARGV[2 * window]))
end
return {0, (least or 0) - 1, now}
