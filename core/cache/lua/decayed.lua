#!lua flags=no-writes
-- The members of one set of `sum.lua` that weigh most. KEYS: the hash, the set. ARGV: its number, half-life, members.
-- prelude
if not redis.call('ZSCORE', GATE, '') then
  return {}
end
local time = now()
local age = (time - tonumber(redis.call('HGET', ENTRY, 'l' .. ARGV[1]) or time)) / tonumber(ARGV[2])
local rows = redis.call('ZRANGE', GATE, '+inf', '0', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[3], 'WITHSCORES')
return { string.format('%.17g', 2 ^ -age), rows }
