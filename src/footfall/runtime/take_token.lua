-- Takes tokens of a bucket, or with -1 gives one back: the rule of core.rates. Returns 0,
-- or in how many microseconds the tokens are there.
-- It keeps what the bucket lacks, and since when: the time when it is full, in core.rates'
-- unit, is beyond 2^53, up to which numbers are exact here. A full bucket is no key.
-- The clock is Redis's, so that those of the servers need not agree.
local amount, burst, per, tokens = unpack(ARGV)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local kept = redis.call('HMGET', KEYS[1], 'lacks', 'at')
local elapsed = math.max(0, now - (kept[2] or now))
local lacks = math.max(0, (kept[1] or 0) - elapsed * amount) + tokens * per
if lacks > burst * per then
  return math.ceil((lacks - burst * per) / amount)
end
redis.call('HSET', KEYS[1], 'lacks', lacks, 'at', now)
redis.call('PEXPIRE', KEYS[1], math.max(0, math.ceil(lacks / amount / 1000)))
return 0
