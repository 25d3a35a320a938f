--- The spool: event lines in a file that outlives power and network; a line leaves only when the core has it.
local File = require("booklorebridge_file")
local Json = require("booklorebridge_json")
local Memory = require("booklorebridge_memory")
local logger = require("logger")

local Spool = { error = nil }
local HEAD = '^{"v":1,"id":"[^"]*","event":"device"'
local unwritten = {} -- lines that the disk did not take

local function line(event, fields)
    local entry = {
        v = 1, id = Memory.nextId(), event = event,
        at = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time()), device = Memory.get().device,
    }
    for key, value in pairs(fields or {}) do entry[key] = value end
    return Json.encode(entry)
end

local function head()
    local device = Memory.device()
    return line("device", { name = device.name, model = device.model, koreader = Memory.koreader() }) .. "\n"
end

local function append(text, durable)
    local file, err = io.open(Memory.path("spool"), "a+b")
    if not file then return nil, err end
    local lead = ""
    if file:seek("end") == 0 then
        lead = head()
    elseif file:seek("end", -1) and file:read(1) ~= "\n" then
        lead = "\n" -- a line was torn: what follows must not be glued to it
    end
    file:seek("end")
    local ok
    ok, err = Memory.reserve(0)
    if ok then ok, err = File.put(file, lead .. text, durable) end
    file:close() -- an open file would keep USB storage from being unmounted
    return ok, err
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
    table.insert(unwritten, line(event, fields))
    return Spool.flush(durable)
end

local function each()
    return (File.read(Memory.path("spool")) or ""):gmatch("[^\n]+")
end

--- The oldest lines, without the head of the file, at most so many and so many bytes (but at least one).
function Spool.oldest(count, bytes)
    local lines, size = {}, 0
    for text in each() do
        if not text:find(HEAD) then
            size = size + #text
            if #lines == count or (size > bytes and #lines > 0) then break end
            table.insert(lines, text)
        end
    end
    return lines
end

--- How many events wait on this device.
function Spool.count()
    local count = #unwritten
    for text in each() do
        if not text:find(HEAD) then count = count + 1 end
    end
    return count
end

--- Drops the lines that are keys of `gone`; all others stay, those that came meanwhile too.
function Spool.remove(gone)
    local kept = {}
    for text in each() do
        if not gone[text] then table.insert(kept, text .. "\n") end
    end
    return File.replace(Memory.path("spool"), table.concat(kept))
end

--- Moves one line out of the way that no core will ever take, so that it does not block the others.
function Spool.setAside(text)
    local file, err = io.open(Memory.path("spool.aside"), "ab")
    if not file then return nil, err end
    local ok
    ok, err = File.put(file, text .. "\n", true)
    file:close()
    if not ok then return nil, err end
    return Spool.remove({ [text] = true })
end

return Spool
