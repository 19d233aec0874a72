-- wrk -s overload.lua URL -- FILE AGENT PAUSE: posts the lines of FILE as AGENT, each connection after a pause of PAUSE
-- milliseconds on average, and counts what the answers were.

local requests = {}
local last = 0
local pause = 0
local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  local headers = { ["Content-Type"] = "application/json", ["X-Source-Agent"] = arguments[2] }
  for line in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("POST", "/", headers, line)
  end
  pause = tonumber(arguments[3])
  served, refused, other = 0, 0, 0
end

-- Exponential pauses: the arrivals of many callers who know nothing of each other.
function delay()
  return pause > 0 and math.floor(-math.log(1 - math.random()) * pause) or 0
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function response(status, headers)
  if status == 200 then
    served = served + 1
  elseif status == 503 and headers["Retry-After"] then
    refused = refused + 1
  else
    other = other + 1
  end
end

function done(summary)
  local totals = { served = 0, refused = 0, other = 0 }
  for _, thread in ipairs(threads) do
    for name, count in pairs(totals) do
      totals[name] = count + thread:get(name)
    end
  end
  io.write(string.format(
    'COUNTED {"served": %d, "refused": %d, "other": %d, "seconds": %f}\n',
    totals.served, totals.refused, totals.other, summary.duration / 1e6
  ))
end
