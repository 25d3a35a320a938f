--- What the shim remembers: the device, the way to the core, its menu, what it said of its settings, ids reserved.
local DataStorage = require("datastorage")
local Device = require("device")
local LuaSettings = require("luasettings")

local Memory = LuaSettings:open(DataStorage:getSettingsDir() .. "/booklorebridge.lua")

if Memory:hasNot("device") then
    local random = assert(io.open("/dev/urandom", "rb")) -- KOReader's own uuid repeats within a second
    local kind = tostring(Device.model):lower():match("%a+") or "device"
    local id = kind .. "-" .. random:read(4):gsub(".", function(char) return string.format("%02x", char:byte()) end)
    random:close()
    Memory:saveSetting("device", { id = id, name = Device.model, model = Device.model }):flush()
end

return Memory
