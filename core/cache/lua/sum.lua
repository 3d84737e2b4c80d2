#!lua
-- Adds what one copy counted to what all have, exactly once. KEYS: a hash, then sorted sets whose members decay.
-- Hash: t = token of this life of the sums, n:<copy> = number of its last report, p:<copy> = until when it counts as
-- running, l<set> = landmark of a set, c:<field> = a sum. The member '' marks a set as one of this life.
-- ARGV: copy, token, number of the report, token of a new life, ms for which the copy counts as running, how many
-- fields; field, amount each; then for each set its half-life (ms), members to keep, how many; member, amount each.
-- prelude
local HASH, sets = KEYS[1], #KEYS - 1
local copy, token, number = ARGV[1], ARGV[2], tonumber(ARGV[3])
local DAY = 86400000
local time = now()

local function anew()
  redis.call('DEL', unpack(KEYS))
  redis.call('HSET', HASH, 't', ARGV[4])
  redis.call('PEXPIRE', HASH, 30 * DAY)
  for set = 1, sets do
    redis.call('HSET', HASH, 'l' .. set, string.format('%.0f', time))
    redis.call('ZADD', KEYS[set + 1], -1, '')
    redis.call('PEXPIRE', KEYS[set + 1], 30 * DAY)
  end
  return { 'other', ARGV[4] }
end

-- A field that ends by itself where Redis can do that (7.4), else one that is swept below.
local function ends(field, after)
  local done = redis.pcall('HPEXPIRE', HASH, string.format('%.0f', after), 'FIELDS', 1, field)
  return not (type(done) == 'table' and done.err)
end

local present = redis.call('HGET', HASH, 't')
for set = 1, sets do
  present = present and redis.call('ZSCORE', KEYS[set + 1], '') and present
end
if not present then
  return anew()
end
if present ~= token then
  return { 'other', present }
end
local last = tonumber(redis.call('HGET', HASH, 'n:' .. copy) or '0')
if last ~= number and last ~= number - 1 then
  return anew() -- a dump of some time ago: part of what this copy told is in it, and nobody knows which part
end
local at = 7
if last == number - 1 then
  for _ = 1, tonumber(ARGV[6]) do
    redis.call('HINCRBY', HASH, 'c:' .. ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  -- Forward decay (Cormode et al., ICDE 2009): what is counted now weighs 2^(age of the landmark in half-lives), so
  -- that all that was counted before has decayed beside it, and nothing is written to it.
  for set = 1, sets do
    local name, half, keep, many = KEYS[set + 1], tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    at = at + 3
    local age = (time - tonumber(redis.call('HGET', HASH, 'l' .. set) or time)) / half
    if age > 60 then
      redis.call('ZUNIONSTORE', name, 1, name, 'WEIGHTS', string.format('%.17g', 2 ^ -age))
      redis.call('ZADD', name, -1, '')
      redis.call('ZREMRANGEBYSCORE', name, 0, 0.001)
      redis.call('HSET', HASH, 'l' .. set, string.format('%.0f', time))
      age = 0
    end
    for _ = 1, many do
      redis.call('ZINCRBY', name, string.format('%.17g', tonumber(ARGV[at + 1]) * 2 ^ age), ARGV[at])
      at = at + 2
    end
    local members = redis.call('ZCARD', name) - 1
    if members > 2 * keep then
      redis.call('ZREMRANGEBYRANK', name, 1, members - keep)
    end
    redis.call('PEXPIRE', name, 30 * DAY)
  end
  redis.call('HSET', HASH, 'n:' .. copy, number)
  ends('n:' .. copy, 7 * DAY)
  redis.call('PEXPIRE', HASH, 30 * DAY)
end
local alive = tonumber(ARGV[5])
if alive > 0 then
  redis.call('HSET', HASH, 'p:' .. copy, string.format('%.0f', time + alive))
else
  redis.call('HDEL', HASH, 'p:' .. copy)
end
local found = redis.call('HGETALL', HASH)
if alive > 0 and not ends('p:' .. copy, alive) then
  for field = 1, #found, 2 do
    if string.sub(found[field], 1, 2) == 'p:' and tonumber(found[field + 1]) <= time then
      redis.call('HDEL', HASH, found[field])
    end
  end
end
return { 'added', string.format('%.0f', time), found }
