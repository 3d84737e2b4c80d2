#!lua
-- ARGV: token, lease, 1 to refresh
if ARGV[3] ~= '1' and redis.call('EXISTS', GATE, ENTRY) == 0 then
  -- The commonest miss: nobody is or was at it, so there is nothing to weigh.
  redis.call('HSET', GATE, 'r', deadline(ARGV[2]) .. ':' .. ARGV[1])
  redis.call('PEXPIRE', GATE, ARGV[2] + FLOOR_MS)
  return { 'token' }
end
local gate = sweep()
if ARGV[3] ~= '1' and present() then
  return { 'hit', redis.call('GET', ENTRY) }
end
if gate.others > 0 then
  return { 'writing' }
end
if gate.reader then
  return { 'loading' }
end
redis.call('HSET', GATE, 'r', deadline(ARGV[2]) .. ':' .. ARGV[1])
keep(ARGV[2])
return { 'token' }
