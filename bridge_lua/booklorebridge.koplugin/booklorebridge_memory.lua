--- What the shim remembers: device, url, token, adopted, enabled, untold, ask_wifi, silent, reserved, menu.
local DataStorage = require("datastorage")
local Device = require("device")
local LuaSettings = require("luasettings")

local Memory = LuaSettings:open(DataStorage:getSettingsDir() .. "/booklorebridge.lua")

local function newId()
    local file = assert(io.open("/dev/urandom", "rb")) -- KOReader's own uuid repeats within a second
    local bytes = file:read(4)
    file:close()
    local kind = tostring(Device.model):lower():match("%a+") or "device"
    return kind .. "-" .. bytes:gsub(".", function(char) return string.format("%02x", char:byte()) end)
end

if Memory:hasNot("device") then
    Memory:saveSetting("device", { id = newId(), name = Device.model, model = Device.model }):flush()
end

return Memory
