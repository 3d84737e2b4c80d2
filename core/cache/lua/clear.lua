#!lua flags=allow-oom
-- KEYS: gates and whatever lies beside them, as a scan finds it. All goes but what writers announced, which stands until
-- it ends, and proves nothing.
for _, name in ipairs(KEYS) do
  local fields = redis.pcall('HGETALL', name)
  if fields.err and not string.find(fields.err, 'WRONGTYPE', 1, true) then
    return fields
  end
  local writers = {}
  for i = 1, fields.err and 0 or #fields, 2 do
    local token = string.match(fields[i], '^[wv]:(.*)$')
    if token then
      writers[token] = fields[i + 1]
    end
  end
  if next(writers) == nil then
    redis.call('DEL', name)
  else
    redis.call('HDEL', name, 'f')
  end
  for token, deadline in pairs(writers) do
    redis.call('HSET', name, 'v:' .. token, deadline)
    redis.call('HDEL', name, 'w:' .. token)
  end
end
return 'cleared'
