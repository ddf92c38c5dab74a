-- Reads the counters that the document shows.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the windows of minutes and hours, as JSON
-- ARGV     after that, the days
--
-- Returns false without counters, else the epoch, the formats with their (negative)
-- scores, the spellings of the ten most frequent cameras, the totals as name and number,
-- and for each day its accepted, stored and duplicate files, their bytes, and the number
-- of uploaders; then for minutes and for hours the spans' counters as JSON, and the
-- busiest links with their (negative) scores.
local p = KEYS[1]
local epoch = redis.call('HGET', p .. 'state', 'epoch')
if not epoch then return false end

local cameras = redis.call('ZRANGE', p .. 'cameras', 0, 9)
local days = {}
for i = 2, #ARGV do
  local date = ARGV[i]
  local day = redis.call('HMGET', p .. 'day:' .. date, 'accepted', 'stored', 'duplicates', 'bytes')
  day[5] = redis.call('PFCOUNT', p .. 'clients:' .. date)
  days[i - 1] = day
end

local windows = cjson.decode(ARGV[1])
local function spans(unit)
  local window, keys = windows[unit], {}
  for i = 1, window.shown do keys[i] = p .. unit .. ':' .. string.format('%.0f', window.from + i - 1) end
  slide(p, unit, window)
  return { redis.call('MGET', unpack(keys)), redis.call('ZRANGE', p .. 'links:' .. unit, 0, 9, 'WITHSCORES') }
end

return {
  epoch,
  redis.call('ZRANGE', p .. 'formats', 0, -1, 'WITHSCORES'),
  #cameras > 0 and redis.call('HMGET', p .. 'spellings', unpack(cameras)) or {},
  redis.call('HGETALL', p .. 'totals'),
  days,
  spans('minute'),
  spans('hour'),
}
