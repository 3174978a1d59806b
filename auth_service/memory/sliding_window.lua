-- Counts one hit in each of several sliding windows, or in none of them.
--
-- KEYS: a list of hit times for each window, oldest first, in milliseconds of this server's clock.
-- ARGV: for each window how many hits it holds, and its length in milliseconds.
-- Gives three numbers in one string, which is read faster than three: that of the first full window or 0,
-- milliseconds until it has room or hits left in the tightest, now.
--
-- Looking and counting are one step, else parallel hits would all look first and then all count. A denied
-- hit is counted nowhere, so a denied client is free as soon as the window says. A list never holds more than
-- its window does, and is gone with its last hit. What cannot be read, whoever wrote it, is dropped, and that
-- window begins at zero: a limit that fails is one that each process keeps alone.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = string.format('%.0f', now)
local least

local function time_at(key, index)
  return tonumber(redis.call('LINDEX', key, index))
end

for window, key in ipairs(KEYS) do
  local holds, length = tonumber(ARGV[2 * window - 1]), tonumber(ARGV[2 * window])

  local count, leaving = redis.pcall('LLEN', key), nil
  if type(count) ~= 'number' then
    redis.call('DEL', key)
    count = 0
  end
  if count > 0 then
    local newest = time_at(key, -1)
    -- The clock was set back: nobody waits for a time that came twice.
    while newest and newest > now do
      redis.call('RPOP', key)
      count = count - 1
      newest = count > 0 and time_at(key, -1)
    end
    local oldest = count > 0 and time_at(key, 0)
    while oldest and oldest + length <= now do
      redis.call('LPOP', key)
      count = count - 1
      oldest = count > 0 and time_at(key, 0)
    end
    -- There is room once the last `holds` hits have become one fewer; more than that are there only when the
    -- window was made smaller.
    leaving = count > holds and time_at(key, -holds) or oldest
    local readable = newest and oldest and newest <= now and oldest <= now and leaving <= now -- not so for NaN
    if count > 0 and not readable then
      redis.call('DEL', key)
      count = 0
    end
  end

  local left = holds - count
  if left <= 0 then
    return string.format('%d %.0f %s', window, leaving + length - now, stamp)
  end
  least = math.min(least or left, left)
end

for window, key in ipairs(KEYS) do
  redis.call('RPUSH', key, stamp)
  redis.call('PEXPIREAT', key, string.format('%.0f', now + ARGV[2 * window])) -- by `now`, to the millisecond
end
return string.format('0 %d %s', least - 1, stamp)
