#!lua flags=allow-oom
-- ARGV: version, 1 to force
-- prelude
local gate = sweep()
local force = ARGV[2] == '1'
local version = present()
local stale = force or (version ~= nil and version < ARGV[1])
local deleted = stale and redis.call('DEL', ENTRY) == 1
redis.call('DEL', LEASE)
if force then
  void(gate)
end
raise_floor(gate, ARGV[1])
keep(0)
if version == nil then
  return 'absent'
end
return deleted and 'dropped' or 'newer'
