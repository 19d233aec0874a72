-- wrk -s requests.lua URL -- FILE AGENT: posts the lines of FILE as JSON bodies, one after the other, as AGENT.
-- The requests are built before the clock starts, so that sending them costs the same for every server.

local requests = {}
local last = 0

function init(arguments)
  local headers = { ["Content-Type"] = "application/json", ["X-Source-Agent"] = arguments[2] }
  for line in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("POST", "/", headers, line)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end
