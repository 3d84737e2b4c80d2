#!lua flags=no-writes
-- KEYS: what is known of all boards, the journal, one board. ARGV: its name, rows, entries.
-- prelude
local about = redis.call('HGETALL', ENTRY)
local said = redis.call('HMGET', ENTRY, 'build', 'entry', 'floor:' .. ARGV[1])
if not said[1] or not said[2] then
  return {}
end
local behind = redis.call('XRANGE', GATE, said[2], '+', 'COUNT', ARGV[3])
local rows = {}
-- A board without its mark was evicted, or is another builder's: it may lack anybody.
if said[3] and redis.call('ZSCORE', KEYS[3], said[1]) then
  rows = redis.call('ZRANGE', KEYS[3], '+inf', '0', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
elseif said[3] then
  return {}
end
return { about, behind, rows }
