-- Reads everything that the document needs.
--
-- KEYS[1]  what every key begins with
-- ARGV     the days
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
  cameras,
  #cameras > 0 and redis.call('HMGET', p .. 'spellings', unpack(cameras)) or {},
  redis.call('HMGET', p .. 'totals', 'images', 'bytes', 'accepted', 'stored', 'duplicates', 'rejected'),
  days,
}
