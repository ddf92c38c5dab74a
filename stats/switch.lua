-- Puts newly built counters in the place of those in use.
--
-- KEYS[1]  what the keys in use begin with
-- KEYS[2]  what the new keys begin with
-- ARGV[1]  the new epoch
-- ARGV     after that, the names of all keys
--
-- Returns 0 when the new counters are not there (they expired), else 1. Keys of
-- days that are not named expire by themselves.
local p, new = KEYS[1], KEYS[2]
if redis.call('HGET', p .. 'state', 'epoch') == ARGV[1] then return 1 end -- asked twice
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
