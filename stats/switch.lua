-- Replaces the counters in use by newly built ones.
--
-- KEYS[1]  the prefix of the keys in use
-- KEYS[2]  the prefix of the new keys
-- ARGV[1]  the new epoch
-- ARGV[2]  the names of all keys with the seconds until each expires, as JSON; 0: never
--
-- Returns 0 when the new counters have expired, else 1. The keys of other days, hours
-- and minutes expire by themselves.
local p, new = KEYS[1], KEYS[2]
if redis.call('HGET', p .. 'state', 'epoch') == ARGV[1] then return 1 end -- a repeated call
if redis.call('HGET', new .. 'state', 'epoch') ~= ARGV[1] then return 0 end
for name, life in pairs(cjson.decode(ARGV[2])) do
  redis.call('UNLINK', p .. name)
  if redis.call('EXISTS', new .. name) == 1 then
    redis.call('RENAME', new .. name, p .. name)
    if life > 0 then
      redis.call('EXPIRE', p .. name, life)
    else
      redis.call('PERSIST', p .. name)
    end
  end
end
redis.call('PUBLISH', p .. 'live', '')
return 1
