#!lua flags=allow-oom
-- ARGV: token, ids, each on a line. The gate is the journal, a stream: who flushes the gates cuts it off.
-- prelude
redis.call('XADD', GATE, 'MAXLEN', '~', 5000, '*', 't', ARGV[1], 'ids', ARGV[2])
keep(86400000)
return 'noted'
