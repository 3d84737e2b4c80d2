#!lua flags=allow-oom
-- ARGV: token, version. The end of a write that installs nothing.
-- prelude
local gate = sweep()
end_writer(gate, ARGV[1])
redis.call('DEL', LEASE)
local version, kind = present()
local newer = kind == 'V' and version >= ARGV[2]
if not newer then
  redis.call('DEL', ENTRY)
end
raise_floor(gate, ARGV[2])
keep(0)
return newer and 'newer' or 'dropped'
