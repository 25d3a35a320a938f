--- The device's clocks: the one on its wall, and the one that counts from its start on and goes on while it sleeps.
local time = require("ui/time")

local Clock = {}

Clock.boot = (require("util").readFromFile("/proc/sys/kernel/random/boot_id", "rb") or ""):match("^%x%x%x%x%x%x%x%x")

function Clock.at() return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time()) end

--- Whole seconds since the device started, sleep included; nil where the system has no such clock.
local isThere = time.boottime_or_monotonic == time.boottime
function Clock.up() return isThere and math.floor(time.to_s(time.boottime())) or nil end

--- Seconds that only grow while KOReader runs.
function Clock.seconds() return Clock.up() or time.to_s(time.monotonic()) end

return Clock
