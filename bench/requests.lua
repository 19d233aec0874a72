-- wrk -s requests.lua URL -- FILE PATH PAUSE [HEADER]...: posts the lines of FILE as JSON bodies to PATH, one after the
-- other, with each HEADER, "NAME: VALUE"; each connection waits PAUSE milliseconds on average before it posts.
-- The requests are built before the clock starts, so that sending them costs the same for every server.

local requests = {}
local last = 0

function init(arguments)
  local headers = { ["Content-Type"] = "application/json" }
  for number = 4, #arguments do
    local name, value = arguments[number]:match("^(.-): (.*)$")
    headers[name] = value
  end
  for line in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("POST", arguments[2], headers, line)
  end
  local pause = tonumber(arguments[3])
  if pause > 0 then
    -- Exponential pauses: the arrivals of many callers who know nothing of each other.
    delay = function() return math.floor(-math.log(1 - math.random()) * pause + 0.5) end
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end
