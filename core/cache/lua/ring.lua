#!lua flags=allow-oom
-- KEYS: the near tiers, the bell. ARGV: own copy, lease, run id of the server, how many tracking clients are our own.
-- Returns the number of this ring, the ms that unknown copies may go on believing, and the copies that must have heard
-- it; nothing where nobody keeps anything.
local LIST, BELL = KEYS[1], KEYS[2]
local lease = tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fields = redis.call('HGETALL', LIST)
local list, copies, others = {}, {}, {}
for i = 1, #fields, 2 do
  local copy = string.match(fields[i], '^c:(.*)$')
  if copy then
    copies[copy] = tonumber(string.match(fields[i + 1], '^(%d+):'))
  else
    list[fields[i]] = fields[i + 1]
  end
end
if list.r ~= ARGV[3] or not list.s or not list.n then
  -- The list was lost. Who was in it believes what it has for one lease more, unless it cannot have been there.
  local info = redis.call('INFO', 'clients', 'server')
  local tracking = tonumber(string.match(info, 'tracking_clients:(%d+)') or 0) > tonumber(ARGV[4])
  local young = tonumber(string.match(info, 'uptime_in_seconds:(%d+)') or 0) < 2
  list.s = string.format('%.0f', (tracking or young) and now or now - lease)
  -- Higher than any number from before.
  list.n = string.format('%.0f', time[1] * 1000000 + time[2])
  redis.call('HSET', LIST, 'r', ARGV[3], 's', list.s, 'n', list.n)
end
for copy, at in pairs(copies) do
  if at <= now then
    redis.call('HDEL', LIST, 'c:' .. copy)
  elseif copy ~= ARGV[1] then
    others[#others + 1] = copy
  end
end
local unknown = math.max(0, tonumber(list.s) + lease - now)
if #others == 0 and unknown == 0 then
  return {}
end
local number = string.format('%.0f', tonumber(list.n) + 1)
redis.call('HSET', LIST, 'n', number)
redis.call('SET', BELL, number)
return { number, unknown, unpack(others) }
