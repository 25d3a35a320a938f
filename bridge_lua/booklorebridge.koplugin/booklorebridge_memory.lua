--- What the shim remembers: the device, the way to the core, its menu, what it said of its settings, ids reserved.
local Device, Segments = require("device"), require("booklorebridge_segments")

local Memory = require("luasettings"):open(require("datastorage"):getSettingsDir() .. "/booklorebridge.lua")

local function newId()
    local random = assert(io.open("/dev/urandom", "rb")) -- KOReader's own uuid repeats within a second
    local bytes = random:read(4):gsub(".", function(char) return string.format("%02x", char:byte()) end)
    random:close()
    return (tostring(Device.model):lower():match("%a+") or "device") .. "-" .. bytes
end

--- Takes another id, which the core gave; the old one is kept among the former ones. False if it is no id, or known.
function Memory.become(id)
    local device, former = Memory:readSetting("device"), Memory:readSetting("former_ids") or {}
    if type(id) ~= "string" or not id:find("^[%w._-]+$") or id == device.id then return false end
    table.insert(former, device.id)
    if #former > 20 then table.remove(former, 1) end
    device.id = id
    Memory:saveSetting("former_ids", former)
    return true
end

--- The device that speaks, with the ids that it had before: those it knows of, and those of its own old lines.
function Memory.speaker(writers)
    local device, former = Memory:readSetting("device"), require("rapidjson").array()
    for _i, id in ipairs(Memory:readSetting("former_ids") or {}) do writers[id] = true end
    writers[device.id] = nil
    for id in pairs(writers) do table.insert(former, id) end
    table.sort(former)
    return { id = device.id, name = device.name, model = device.model, shim = device.shim, former_ids = former[1] and former }
end

if Memory:hasNot("device") then -- the spool knows better than these settings, should they be lost
    local id = Segments.writer() or newId()
    Memory:saveSetting("device", { id = id, name = Device.model, model = Device.model }):flush()
end

return Memory
