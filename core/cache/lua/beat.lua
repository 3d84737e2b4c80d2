#!lua flags=allow-oom
-- KEYS: the near tiers, the bell. ARGV: copy, lease, the last bell that it has heard. No reads here: the list would be
-- tracked, and each copy's beat be pushed to all the others.
-- prelude
redis.call('HSET', KEYS[1], 'c:' .. ARGV[1], string.format('%.0f:%s', now() + ARGV[2], ARGV[3]))
return 'noted'
