#!lua flags=allow-oom
-- ARGV: token
-- prelude
end_writer(sweep(), ARGV[1])
return 'aborted'
