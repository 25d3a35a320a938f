--- The spool: event lines in a file that outlives power and network; a line leaves only when the core has it.
local Json = require("booklorebridge_json")
local Memory = require("booklorebridge_memory")
local Version = require("version")
local lfs = require("libs/libkoreader-lfs")
local logger = require("logger")

local Spool = { error = nil }
local HEAD = '^{"v":1,"id":"[^"]*","event":"device"'
local unwritten = {} -- lines that the disk did not take

local function line(event, fields)
    fields = fields or {}
    fields.v, fields.id, fields.event, fields.device = 1, Memory.nextId(), event, Memory.get().device
    fields.at = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time())
    return Json.encode(fields)
end

local function append(text, durable)
    local file, err = io.open(Memory.path("spool"), "a+b")
    if not file then return nil, err end
    -- A line was torn when KOReader died: what follows must not be glued to it.
    if file:seek("end") > 0 and file:seek("end", -1) and file:read(1) ~= "\n" then text = "\n" .. text end
    file:seek("end")
    local ok
    ok, err = Memory.reserve(0)
    if ok then return Memory.put(file, text, durable) end
    file:close()
    return nil, err
end

--- Writes what memory still holds. On a full disk it stays there, and Spool.error says so.
function Spool.flush(durable)
    if #unwritten == 0 then return true end
    local ok, err = append(table.concat(unwritten, "\n") .. "\n", durable)
    Spool.error = not ok and tostring(err) or nil
    if ok then unwritten = {} else logger.warn("BookLore Sync: spool:", err) end
    return ok
end

--- Adds an event; `durable` waits until the disk has it, so never in a page turn.
function Spool.record(event, fields, durable)
    if #unwritten == 0 and (lfs.attributes(Memory.path("spool"), "size") or 0) == 0 then
        local device = Memory.device()
        local head = { name = device.name, model = device.model, koreader = Version:getCurrentRevision() }
        table.insert(unwritten, line("device", head))
    end
    table.insert(unwritten, line(event, fields))
    return Spool.flush(durable)
end

--- The lines that wait in a text (that of the file, if none is given); the head of the file does not count.
function Spool.lines(text)
    local lines = {}
    for one in (text or Memory.read(Memory.path("spool")) or ""):gmatch("[^\n]+") do
        if not one:find(HEAD) then table.insert(lines, one) end
    end
    return lines
end

--- How many events wait on this device.
function Spool.count()
    return #Spool.lines() + #Spool.lines(table.concat(unwritten, "\n"))
end

--- Drops the lines that are keys of `gone`; all others stay, those that came meanwhile too.
function Spool.remove(gone)
    local kept = {}
    for text in (Memory.read(Memory.path("spool")) or ""):gmatch("[^\n]+") do
        if not gone[text] then table.insert(kept, text .. "\n") end
    end
    return Memory.replace(Memory.path("spool"), table.concat(kept))
end

return Spool
