#!lua
-- ARGV: token, lease, 1 to refresh
local refresh = ARGV[3] == '1'
-- The commonest miss: nobody is or was at it, so there is nothing to weigh.
if refresh or redis.call('EXISTS', ENTRY, GATE) ~= 0 then
  local gate = sweep()
  if not refresh and present() then
    return { 'hit', redis.call('GET', ENTRY) }
  end
  if gate.others > 0 then
    return { 'writing' }
  end
end
return { redis.call('SET', LEASE, ARGV[1], 'NX', 'PX', ARGV[2]) and 'token' or 'loading' }
