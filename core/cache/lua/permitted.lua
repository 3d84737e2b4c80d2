#!lua flags=no-writes,allow-oom
-- ARGV: commands, their words apart by blanks. Which of them the user may not run; none of them is run.
local refused = {}
for _, command in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(command, '%S+') do
    words[#words + 1] = word
  end
  if not redis.acl_check_cmd(unpack(words)) then
    refused[#refused + 1] = command
  end
end
return refused
