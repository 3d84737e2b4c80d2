#!lua
-- ARGV: token, version, kind, time to live, envelope
local gate = sweep()
if gate.reader ~= ARGV[1] then
  return 'lease_lost'
end
redis.call('HDEL', GATE, 'r')
if gate.others > 0 then
  return 'writing'
end
local version, kind = present()
if ARGV[3] == 'N' and kind == 'V' then
  redis.call('DEL', ENTRY)
  return ARGV[2] >= gate.floor and 'newer' or 'below_floor'
end
if ARGV[2] < gate.floor then
  return 'below_floor'
end
if version and version > ARGV[2] then
  return 'newer'
end
redis.call('SET', ENTRY, ARGV[5], 'PX', ARGV[4])
return 'set'
