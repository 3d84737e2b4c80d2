#!lua flags=allow-oom
-- ARGV: token, longest time of the write, 1 to hide the entry
sweep()
if ARGV[3] == '1' then
  redis.call('DEL', ENTRY)
end
redis.call('HDEL', GATE, 'r')
redis.call('HSET', GATE, 'w:' .. ARGV[1], deadline(ARGV[2]))
keep(ARGV[2])
return 'begun'
