#!lua
-- ARGV: token, time to live, envelope
-- The commonest fill: nobody wrote, and nothing is there.
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 and redis.call('GET', KEYS[3]) == ARGV[1] then
  redis.call('DEL', KEYS[3])
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
  return 'set'
end
-- prelude
local gate = sweep()
if redis.call('GET', LEASE) ~= ARGV[1] then
  return 'lease_lost'
end
redis.call('DEL', LEASE)
if gate.others > 0 then
  return 'writing'
end
local version, kind = present()
local loaded = string.sub(ARGV[3], 3, 18)
if kind == 'V' and string.sub(ARGV[3], 2, 2) == 'N' then
  redis.call('DEL', ENTRY)
  return loaded >= gate.floor and 'newer' or 'below_floor'
end
if loaded < gate.floor then
  return 'below_floor'
end
if version and version > loaded then
  return 'newer'
end
redis.call('SET', ENTRY, ARGV[3], 'PX', ARGV[2])
return 'set'
