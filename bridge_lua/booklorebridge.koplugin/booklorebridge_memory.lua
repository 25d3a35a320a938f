--- What the shim knows from one start to the next, and the files it keeps that in.
local DataStorage = require("datastorage")
local Device = require("device")
local Json = require("booklorebridge_json")
local ffiUtil = require("ffi/util")
local guarded = require("booklorebridge_guard")

local Memory = {}
local BLOCK = 500 -- ids are reserved ahead, so that a page turn writes no second file
local values, used

--- Path of one of the shim's files in KOReader's settings folder.
function Memory.path(name)
    return DataStorage:getSettingsDir() .. "/booklorebridge." .. name
end

local sync = guarded(function(file)
    assert(ffiUtil.fsyncOpenedFile(file))
end)

--- Writes and flushes, through to the disk when durable; nil and the reason when the disk refuses.
function Memory.put(file, text, durable)
    local ok, err = file:write(text)
    if ok then ok, err = file:flush() end
    if ok and durable then sync(file) end -- the text is written, even where a file system cannot sync
    file:close() -- an open file would keep USB storage from being unmounted
    return ok, err
end

function Memory.read(path)
    local file = io.open(path, "rb")
    local text = file and file:read("*a")
    if file then file:close() end
    return text
end

--- Replaces a file so that it holds the old or the new text, never half of it.
function Memory.replace(path, text)
    local file, err = io.open(path .. ".new", "wb")
    if not file then return nil, err end
    local ok
    ok, err = Memory.put(file, text, true)
    if ok then return os.rename(path .. ".new", path) end
    os.remove(path .. ".new")
    return nil, err
end

local function newDeviceId()
    local file = assert(io.open("/dev/urandom", "rb"))
    local bytes = file:read(4)
    file:close()
    local kind = tostring(Device.model):lower():match("%a+") or "device"
    return kind .. "-" .. bytes:gsub(".", function(c) return string.format("%02x", c:byte()) end)
end

--- Remembered: device, reserved, url, token, adopted, enabled, untold, manual_only, ask_wifi, silent.
function Memory.get()
    if not values then
        values = Json.decode(Memory.read(Memory.path("json"))) or {}
        values.device = values.device or newDeviceId()
        values.reserved = values.reserved or 0
        used = values.reserved
    end
    return values
end

function Memory.save()
    return Memory.replace(Memory.path("json"), Json.encode(Memory.get()))
end

--- Makes sure that no restart gives out again the ids given out so far and `spare` more.
function Memory.reserve(spare)
    local known = Memory.get()
    local before = known.reserved
    if before > 0 and before - used >= spare then return true end
    known.reserved = used + BLOCK
    local ok, err = Memory.save()
    if not ok then known.reserved = before end
    return ok, err
end

function Memory.nextId()
    local device = Memory.get().device
    used = used + 1
    return string.format("%s-%06d", device, used)
end

function Memory.device()
    return { id = Memory.get().device, name = Device.model, model = Device.model }
end

--- Switches sync on or off, and lets `switched` begin or end a stretch while sync is on.
function Memory.switch(on, switched, untold)
    local known = Memory.get()
    known.untold = untold and true or nil
    if on then known.enabled = true end
    switched(on)
    known.enabled = on
    return Memory.save()
end

--- Takes over what the core says of its settings; what a person toggled here without the core comes first.
function Memory.accept(state, switched)
    local known = Memory.get()
    for _i, name in ipairs{ "manual_only", "ask_wifi", "silent" } do
        if state[name] ~= nil and state[name] ~= known[name] then
            known[name] = state[name]
            Memory.save()
        end
    end
    local on = known.enabled ~= false
    if state.enabled ~= nil and state.enabled ~= on and not known.untold then Memory.switch(state.enabled, switched) end
end

return Memory
