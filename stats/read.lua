-- Reads the counters that the document shows.
--
-- KEYS[1]  the prefix of all keys
-- ARGV     the days
--
-- Returns the epoch, the formats with their (negative) scores, the spellings of the
-- ten most frequent cameras, the totals as name and number, and for each day its
-- accepted, stored and duplicate files, their bytes, and the number of uploaders.
local p = KEYS[1]
local cameras = redis.call('ZRANGE', p .. 'cameras', 0, 9)
local days = {}
for i, date in ipairs(ARGV) do
  local day = redis.call('HMGET', p .. 'day:' .. date, 'accepted', 'stored', 'duplicates', 'bytes')
  day[5] = redis.call('PFCOUNT', p .. 'clients:' .. date)
  days[i] = day
end
return {
  redis.call('HGET', p .. 'state', 'epoch'),
  redis.call('ZRANGE', p .. 'formats', 0, -1, 'WITHSCORES'),
  #cameras > 0 and redis.call('HMGET', p .. 'spellings', unpack(cameras)) or {},
  redis.call('HGETALL', p .. 'totals'),
  days,
}
