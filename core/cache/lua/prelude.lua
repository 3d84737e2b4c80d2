-- Shared by every verb; core/cache/protocol.py says what they do. KEYS: the entry, the gate, the lease. Times are milliseconds.
-- Entry: format, kind (V value, N known absence), 16 hex digits of version, ...; versions compare as strings.
-- Gate: w:<token> = deadline of a writer, v:<token> = of one whose token is void, f = floor. Lease: the token of the
-- reader, which Redis itself lets expire.
local ENTRY, GATE, LEASE = KEYS[1], KEYS[2], KEYS[3]
local FLOOR_MS = 30000

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The gate outlives every deadline in it: a dead writer must still be found to poison, a floor still be known.
local function keep(after)
  if redis.call('PTTL', GATE) < after + FLOOR_MS then
    redis.call('PEXPIRE', GATE, after + FLOOR_MS)
  end
end

-- All writers go on to block, and none proves anything. The new field first: a hash without any loses its time to live.
local function void(gate)
  for token, writer in pairs(gate.writers) do
    if writer.good then
      redis.call('HSET', GATE, 'v:' .. token, writer.deadline)
      redis.call('HDEL', GATE, 'w:' .. token)
      writer.good = false
    end
  end
end

local function sweep()
  local fields = redis.call('HGETALL', GATE)
  local gate = { writers = {}, others = 0, floor = '0000000000000000' }
  local vanished, at = false, nil
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if name == 'f' then
      gate.floor = value
    else
      at = at or now()
      if tonumber(value) > at then
        gate.writers[string.sub(name, 3)] = { good = string.sub(name, 1, 1) == 'w', deadline = value }
        gate.others = gate.others + 1
      else
        redis.call('HDEL', GATE, name)
        vanished = true
      end
    end
  end
  if vanished then
    redis.call('DEL', ENTRY, LEASE)
    void(gate)
  end
  return gate
end

-- Version and kind of the entry; nil where there is none, or one of another format.
local function present()
  local head = redis.call('GETRANGE', ENTRY, 0, 38)
  if #head < 39 or string.sub(head, 1, 1) ~= '1' then
    return nil, nil
  end
  return string.sub(head, 3, 18), string.sub(head, 2, 2)
end

local function raise_floor(gate, version)
  if version > gate.floor then
    gate.floor = version
    redis.call('HSET', GATE, 'f', version)
  end
end

-- Ends a writer's token; tells whether it was still good. `others` then counts the other writers.
local function end_writer(gate, token)
  local writer = gate.writers[token]
  if writer then
    gate.others = gate.others - 1
    redis.call('HDEL', GATE, (writer.good and 'w:' or 'v:') .. token)
  end
  return writer ~= nil and writer.good
end
