-- Replaces the counters in use by newly built ones.
--
-- KEYS[1]  the prefix of the keys in use
-- KEYS[2]  the prefix of the new keys
-- ARGV[1]  the new epoch
-- ARGV     after that, the names of all keys
--
-- Returns 0 when the new counters have expired, else 1. The keys of other days expire
-- by themselves.
local p, new = KEYS[1], KEYS[2]
if redis.call('HGET', p .. 'state', 'epoch') == ARGV[1] then return 1 end -- a repeated call
if redis.call('HGET', new .. 'state', 'epoch') ~= ARGV[1] then return 0 end
for i = 2, #ARGV do
  local name = ARGV[i]
  redis.call('UNLINK', p .. name)
  if redis.call('EXISTS', new .. name) == 1 then
    redis.call('RENAME', new .. name, p .. name)
    if name:find('^day:') or name:find('^clients:') then
      redis.call('EXPIRE', p .. name, 41 * 86400)
    else
      redis.call('PERSIST', p .. name)
    end
  end
end
redis.call('PUBLISH', p .. 'live', '')
return 1
