-- Adds a tally to the counters, all of it or nothing, and each event once.
--
-- KEYS[1]  the prefix of all keys; it contains the hash tag, so that a cluster keeps
--          them in one slot
-- ARGV[1]  the epoch that the counters must have
-- ARGV[2]  seconds until the keys expire; 0 for the counters in use
-- ARGV[3]  the ids of the events, as JSON
-- ARGV[4]  their sum, as JSON
--
-- Returns false when the counters have another epoch. Returns the ids of the events
-- that it applied before, if any, and then changes nothing: the caller leaves them out.
-- Returns an empty list when it has added the tally. Events commute: a deletion may
-- arrive before the event of the picture that it deletes, so a number may be negative
-- for a moment, and a member disappears at exactly 0.
local p, epoch, ttl = KEYS[1], ARGV[1], tonumber(ARGV[2])
local ids, t = cjson.decode(ARGV[3]), cjson.decode(ARGV[4])
local day_ttl = 41 * 86400

local function int(n) return string.format('%.0f', n) end

if redis.call('HGET', p .. 'state', 'epoch') ~= epoch then return false end

if #ids > 0 then
  local again = {}
  for i, known in ipairs(redis.call('SMISMEMBER', p .. 'applied', unpack(ids))) do
    if known == 1 then again[#again + 1] = ids[i] end
  end
  if #again > 0 then return again end
  redis.call('SADD', p .. 'applied', unpack(ids))
  redis.call('HINCRBY', p .. 'state', 'seq', #ids)
  redis.call('HINCRBY', p .. 'state', 'recent', #ids - (t.old or 0))
end

-- Scores are negative, so that ZRANGE lists the highest count first and ties by name.
local function rank(key, member, n)
  if n ~= 0 and tonumber(redis.call('ZINCRBY', key, int(-n), member)) == 0 then
    redis.call('ZREM', key, member)
  end
end

for format, n in pairs(t.formats or {}) do rank(p .. 'formats', format, n) end

-- cameras ranks a camera by its lower-case name; spellings counts its spellings.
for lower, spellings in pairs(t.cameras or {}) do
  local known = redis.call('HGET', p .. 'spellings', lower)
  local counts, sum = known and cjson.decode(known) or {}, 0
  for name, n in pairs(spellings) do
    sum = sum + n
    n = (counts[name] or 0) + n
    if n == 0 then counts[name] = nil else counts[name] = n end
  end
  if next(counts) then
    redis.call('HSET', p .. 'spellings', lower, cjson.encode(counts))
  else
    redis.call('HDEL', p .. 'spellings', lower)
  end
  rank(p .. 'cameras', lower, sum)
end

for field, n in pairs(t.totals or {}) do
  redis.call('HINCRBY', p .. 'totals', field, int(n))
end

for date, day in pairs(t.days or {}) do
  local key = p .. 'day:' .. date
  for field, n in pairs(day.counts or {}) do redis.call('HINCRBY', key, field, int(n)) end
  redis.call('EXPIRE', key, ttl > 0 and ttl or day_ttl)
  if day.clients then
    key = p .. 'clients:' .. date
    redis.call('PFADD', key, unpack(day.clients))
    redis.call('EXPIRE', key, ttl > 0 and ttl or day_ttl)
  end
end

for id, link in pairs(t.links or {}) do
  local files = redis.call('HINCRBY', p .. 'links:files', id, int(link.files or 0))
  local bytes = redis.call('HINCRBY', p .. 'links:bytes', id, int(link.bytes or 0))
  if files == 0 and bytes == 0 then
    for _, name in ipairs({ 'files', 'bytes', 'last' }) do
      redis.call('HDEL', p .. 'links:' .. name, id)
    end
  elseif link.last then
    local last = tonumber(redis.call('HGET', p .. 'links:last', id) or 0)
    if link.last > last then redis.call('HSET', p .. 'links:last', id, int(link.last)) end
  end
end

-- Minutes and hours. A span's counters are one string of JSON, so that a span costs two
-- commands and reading all of them one.
local from = {}
for unit, window in pairs(t.windows) do from[unit] = slide(p, unit, window) end

for name, span in pairs(t.recent or {}) do
  local key, life = p .. name, ttl > 0 and ttl or span.life
  if span.counts then
    local known = redis.call('GET', key)
    local counts = known and cjson.decode(known) or {}
    for counter, n in pairs(span.counts) do
      n = (counts[counter] or 0) + n
      if n == 0 then counts[counter] = nil else counts[counter] = n end
    end
    if next(counts) then
      redis.call('SET', key, cjson.encode(counts), 'EX', life)
    else
      redis.call('DEL', key)
    end
  end
  if span.links then
    for id, n in pairs(span.links) do
      rank(key .. ':links', id, n)
      if span.number >= from[span.unit] then rank(p .. 'links:' .. span.unit, id, n) end
    end
    redis.call('EXPIRE', key .. ':links', life)
  end
end

if ttl > 0 then
  for _, name in ipairs({
    'state', 'formats', 'cameras', 'spellings', 'totals', 'links:files', 'links:bytes', 'links:last', 'links:minute', 'links:hour',
  }) do
    redis.call('EXPIRE', p .. name, ttl)
  end
  return {}
end

-- In the live feed an empty message means that the numbers have changed.
for _, upload in ipairs(t.live or {}) do redis.call('PUBLISH', p .. 'live', upload) end
redis.call('PUBLISH', p .. 'live', '')
return {}
