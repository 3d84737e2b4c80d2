#!lua flags=allow-oom
-- ARGV: token
end_writer(sweep(), ARGV[1])
return 'aborted'
