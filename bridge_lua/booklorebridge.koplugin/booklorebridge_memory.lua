--- What the shim knows from one start to the next: who it is, which ids are used up, where the core is.
local DataStorage = require("datastorage")
local Device = require("device")
local File = require("booklorebridge_file")
local Json = require("booklorebridge_json")
local Version = require("version")

local Memory = {}
local BLOCK = 500 -- ids are reserved ahead, so that a page turn writes no second file
local values, used

function Memory.path(name)
    return DataStorage:getSettingsDir() .. "/booklorebridge." .. name
end

local function newDeviceId()
    local file = assert(io.open("/dev/urandom", "rb"))
    local bytes = file:read(4)
    file:close()
    local kind = tostring(Device.model):lower():match("%a+") or "device"
    return kind .. "-" .. bytes:gsub(".", function(c) return string.format("%02x", c:byte()) end)
end

--- The remembered values: device, reserved, url, token, adopted, enabled, untold, manual_only, ask_wifi, silent, menu.
function Memory.get()
    if not values then
        values = Json.decode(File.read(Memory.path("json")) or "") or {}
        values.device = values.device or newDeviceId()
        values.reserved = values.reserved or 0
        used = values.reserved
    end
    return values
end

function Memory.save()
    return File.replace(Memory.path("json"), Json.encode(Memory.get()))
end

--- Makes sure that the ids given out so far, and `spare` more, can never be given out again after a restart.
function Memory.reserve(spare)
    local known = Memory.get()
    if known.reserved - used >= spare and known.reserved > 0 then return true end
    local before = known.reserved
    known.reserved = used + BLOCK
    local ok, err = Memory.save()
    if ok then return true end
    known.reserved = before
    return nil, err
end

function Memory.nextId()
    local device = Memory.get().device
    used = used + 1
    return string.format("%s-%06d", device, used)
end

--- The device as the core wants to know it: id, name, model.
function Memory.device()
    return { id = Memory.get().device, name = Device.model, model = Device.model }
end

function Memory.koreader()
    return Version:getCurrentRevision()
end

return Memory
