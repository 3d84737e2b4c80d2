#!lua
-- KEYS: what is known of all boards, then the boards. ARGV: the place that they are right up to (entry, token), the
-- place behind what is told here, members to keep, the names of the boards; then each member that changed: its score,
-- or an empty text, and the numbers of its boards, each behind a blank.
-- prelude
local said = redis.call('HMGET', ENTRY, 'build', 'entry', 'token')
if not said[1] or said[2] ~= ARGV[1] or said[3] ~= ARGV[2] then
  return 'moved'
end
local boards, keep = #KEYS - 1, tonumber(ARGV[5])
for board = 1, boards do
  local name, key = KEYS[board + 1], 'floor:' .. ARGV[5 + board]
  local floor = tonumber(redis.call('HGET', ENTRY, key))
  if not floor or not redis.call('ZSCORE', name, said[1]) then
    redis.call('DEL', ENTRY)
    return 'lost'
  end
  local placed, gone = {}, {}
  for at = 6 + boards, #ARGV, 3 do
    local score = ARGV[at + 1]
    if score ~= '' and tonumber(score) > floor and string.find(ARGV[at + 2], ' ' .. board .. ' ', 1, true) then
      table.insert(placed, score)
      table.insert(placed, ARGV[at])
    else
      table.insert(gone, ARGV[at])
    end
  end
  if #gone > 0 then
    redis.call('ZREM', name, unpack(gone))
  end
  if #placed > 0 then
    redis.call('ZADD', name, unpack(placed))
  end
  if redis.call('ZCARD', name) > 2 * keep then
    local last = redis.call('ZRANGE', name, keep, keep, 'REV', 'WITHSCORES')[2]
    redis.call('ZREMRANGEBYSCORE', name, 0, last)
    redis.call('HSET', ENTRY, key, last)
  end
end
redis.call('HSET', ENTRY, 'entry', ARGV[3], 'token', ARGV[4])
return 'placed'
