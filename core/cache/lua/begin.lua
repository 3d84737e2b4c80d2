#!lua flags=allow-oom
-- ARGV: token, longest time of the write, 1 to hide the entry
-- prelude
local before = sweep().writers[ARGV[1]]
if ARGV[3] == '1' then
  redis.call('DEL', ENTRY, LEASE)
else
  redis.call('DEL', LEASE)
end
redis.call('HSET', GATE, (before and not before.good and 'v:' or 'w:') .. ARGV[1], string.format('%.0f', now() + ARGV[2]))
keep(ARGV[2])
return 'begun'
