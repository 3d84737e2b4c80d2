#!lua
-- ARGV: token, version, kind, time to live, envelope
local gate = redis.call('EXISTS', GATE) == 1 and sweep() or nil
if redis.call('GET', LEASE) ~= ARGV[1] then
  return 'lease_lost'
end
redis.call('DEL', LEASE)
-- The commonest fill: nobody wrote, and nothing is there.
if not gate and redis.call('SET', ENTRY, ARGV[5], 'NX', 'PX', ARGV[4]) then
  return 'set'
end
gate = gate or sweep()
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
