-- Goes before apply.lua and read.lua.
--
-- links:minute and links:hour add up the files of each link in the shown spans, so that
-- reading the busiest links costs the same whatever there is. State remembers their
-- first span.

-- slide takes from the sums of a unit the spans that are no longer shown, and returns
-- the first span in them. Windows never slide back: clocks differ.
local function slide(p, unit, window)
  local was = tonumber(redis.call('HGET', p .. 'state', unit) or 0)
  if was >= window.from then return was end

  local sums, cells = p .. 'links:' .. unit, p .. unit .. ':'
  local keys, weights = { sums }, { 1 }
  if window.from - was < window.spare then
    for number = was, window.from - 1 do
      keys[#keys + 1], weights[#weights + 1] = cells .. string.format('%.0f', number) .. ':links', -1
    end
  else -- some of these have expired: adds up what is shown
    keys, weights = {}, {}
    for number = window.from, window.from + window.shown + window.spare do
      keys[#keys + 1], weights[#weights + 1] = cells .. string.format('%.0f', number) .. ':links', 1
    end
  end

  local command = { 'ZUNIONSTORE', sums, #keys }
  for _, key in ipairs(keys) do command[#command + 1] = key end
  command[#command + 1] = 'WEIGHTS'
  for _, weight in ipairs(weights) do command[#command + 1] = weight end
  redis.call(unpack(command))
  redis.call('ZREMRANGEBYSCORE', sums, 0, 0)
  redis.call('HSET', p .. 'state', unit, string.format('%.0f', window.from))
  return window.from
end

