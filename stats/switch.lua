-- Replaces the counters in use by newly built ones.
--
-- KEYS[1]  the prefix of the keys in use
-- KEYS[2]  the prefix of the new keys
-- ARGV[1]  the new epoch
-- ARGV[2]  the names of the new keys with the seconds until each expires, as JSON; 0:
--          never. They need not exist.
-- ARGV     after that, the names of other keys that must go
--
-- Returns 0 when the new counters have expired, else 1. The keys of other days, hours
-- and minutes expire by themselves.
local p, new = KEYS[1], KEYS[2]
if redis.call('HGET', p .. 'state', 'epoch') == ARGV[1] then return 1 end -- a repeated call
if redis.call('HGET', new .. 'state', 'epoch') ~= ARGV[1] then return 0 end
if #ARGV > 2 then
  local gone = {}
  for i = 3, #ARGV do gone[i - 2] = p .. ARGV[i] end
  redis.call('UNLINK', unpack(gone))
end
for name, life in pairs(cjson.decode(ARGV[2])) do
  if redis.call('EXISTS', new .. name) == 0 then
    redis.call('UNLINK', p .. name)
  else
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
