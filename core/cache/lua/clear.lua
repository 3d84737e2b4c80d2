#!lua flags=allow-oom
-- KEYS: gates, leases and journals, as a scan finds them. All go but gates that writers are behind: what was announced
-- stands until it ends, and proves nothing.
for _, name in ipairs(KEYS) do
  local fields = redis.pcall('HGETALL', name)
  local writers = {}
  for i = 1, fields.err and 0 or #fields, 2 do
    if fields[i] ~= 'f' then
      writers[string.sub(fields[i], 3)] = fields[i + 1]
    end
  end
  if next(writers) == nil then
    redis.call('DEL', name)
  end
  for token, deadline in pairs(writers) do
    redis.call('HSET', name, 'v:' .. token, deadline)
    redis.call('HDEL', name, 'w:' .. token)
  end
end
return 'cleared'
