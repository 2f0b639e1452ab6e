-- wrk: predicts of the shipped model; the argument is the number of windows in a request.
function init(args)
  local pipe = io.popen("perf/serve-request " .. (args[1] or "1"))
  local body = pipe:read("*a")
  pipe:close()
  request = (function(text) return function() return text end end)(wrk.format("POST", "/v1/models/anomaly_detector:predict", {["Content-Type"] = "application/json"}, body))
end
