#!lua
-- ARGV: token, version, time to live, envelope. Not allowed when Redis is full: then drop.lua takes its place.
-- prelude
local gate = sweep()
local held = end_writer(gate, ARGV[1])
redis.call('DEL', LEASE)
raise_floor(gate, ARGV[2])
keep(0)
local version, kind = present()
if kind == 'V' and version >= ARGV[2] then
  return 'newer'
end
if gate.others == 0 and ARGV[2] >= gate.floor and (held or kind == 'V') then
  redis.call('SET', ENTRY, ARGV[4], 'PX', ARGV[3])
  return 'set'
end
redis.call('DEL', ENTRY)
return held and 'contended' or 'token_lost'
