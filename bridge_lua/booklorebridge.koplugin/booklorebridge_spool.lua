--- The spool: event lines in a file that outlives power and network; a line leaves only when the core has it.
local DataStorage = require("datastorage")
local Memory = require("booklorebridge_memory")
local Version = require("version")
local ffiUtil = require("ffi/util")
local lfs = require("libs/libkoreader-lfs")
local rapidjson = require("rapidjson")
local util = require("util")

local Spool = { error = nil }
local PATH = DataStorage:getSettingsDir() .. "/booklorebridge.spool"
local unwritten = {} -- lines that the disk did not take

local function read() return util.readFromFile(PATH, "rb") or "" end

-- Ids rise and never come back, even if one of the two files is lost: both know how far they have come.
local used = Memory:readSetting("reserved") or 0
for number in read():gmatch('"id":"[^"]*%-(%d+)"') do used = math.max(used, tonumber(number)) end

--- Reserves ids for the next start; not for page turns, as it writes a file.
function Spool.reserve() Memory:saveSetting("reserved", used + 500):flush() end

local function line(event, fields)
    used = used + 1
    fields.device, fields.at = Memory:readSetting("device").id, os.date("!%Y-%m-%dT%H:%M:%SZ", os.time())
    local function encode() return rapidjson.encode(fields, { sort_keys = true }) end
    local ok, text = pcall(encode)
    if not ok then fields.annotations = nil end -- what JSON cannot say costs the annotations, not the line
    local start = string.format('{"v":1,"id":"%s-%06d","event":"%s",', fields.device, used, event)
    return start .. util.fixUtf8((ok and text or encode()):sub(2), "\239\191\189")
end

local function head()
    local device = Memory:readSetting("device")
    return line("device", { name = device.name, model = device.model, koreader = Version:getCurrentRevision() })
end

-- The file is closed each time: an open one would keep USB storage from being unmounted.
local function put(path, mode, lines, durable)
    local file, err = io.open(path, mode)
    if not file then return nil, err end
    -- A line was torn when KOReader died: what follows must not be glued to it.
    local torn = file:seek("end") > 0 and file:seek("end", -1) and file:read(1) ~= "\n"
    file:seek("end")
    local ok, why = file:write(torn and "\n" or "", table.concat(lines, "\n"), "\n")
    if ok then ok, why = file:flush() end
    if ok and durable then pcall(ffiUtil.fsyncOpenedFile, file) end -- not every file system can
    file:close()
    return ok, why
end

--- Adds an event; `durable` waits until the disk has it, so never in a page turn. On a full disk memory keeps it.
function Spool.record(event, fields, durable)
    if Memory:isFalse("enabled") then return end
    if #unwritten == 0 and (lfs.attributes(PATH, "size") or 0) == 0 then table.insert(unwritten, head()) end
    table.insert(unwritten, line(event, fields))
    local ok, err = put(PATH, "a+b", unwritten, durable)
    if ok then unwritten = {} end
    Spool.error = not ok and tostring(err) or nil
end

--- The lines that wait, oldest first; the device's own lines do not count.
function Spool.lines()
    local lines = {}
    for text in (read() .. "\n" .. table.concat(unwritten, "\n")):gmatch("[^\n]+") do
        if not text:find('^{"v":1,"id":"[^"]*","event":"device"') then table.insert(lines, text) end
    end
    return lines
end

--- Drops the lines at these places, counted from 1; all others stay, those that came meanwhile too. True when done.
function Spool.remove(places)
    local gone, kept = {}, { head() }
    for _i, at in ipairs(places) do gone[at] = true end
    for at, text in ipairs(Spool.lines()) do
        if not gone[at] then table.insert(kept, text) end
    end
    local ok = put(PATH .. ".new", "w+b", kept, true) and os.rename(PATH .. ".new", PATH)
    if ok then unwritten, Spool.error = {}, nil end
    return ok
end

return Spool
