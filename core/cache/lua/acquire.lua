#!lua
-- ARGV: token, lease, 1 to refresh
-- The commonest miss: nobody is or was at it, so there is nothing to weigh.
if ARGV[3] == '0' and redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then
  return redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[2]) and 'token' or 'loading'
end
-- prelude
local gate = sweep()
if ARGV[3] == '0' and present() then
  return { 'hit', redis.call('GET', ENTRY) }
end
if gate.others > 0 then
  return 'writing'
end
return redis.call('SET', LEASE, ARGV[1], 'NX', 'PX', ARGV[2]) and 'token' or 'loading'
