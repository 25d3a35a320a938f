--- The spool: event lines that outlive power and network; a line leaves only when the core has it.
local Books, Clock = require("booklorebridge_books"), require("booklorebridge_clock")
local Memory, Segments = require("booklorebridge_memory"), require("booklorebridge_segments")

local BYTES, LINES = 256 * 1024, Segments.LINES -- of a segment
-- segments, by number: name, count of lines, how many of those the core has. unwritten: lines that the disk did not take;
-- weight: 1, but 0 of those about the device.
local segments, unwritten = {}, {}
local active -- the segment that this process writes; also its number and size, how many ids it gave out
local Spool = { segments = segments, unwritten = unwritten } -- and `error`: why the disk took nothing lately

local newest = math.ceil((Memory:readSetting("reserved") or 0) / LINES)
for _i, one in ipairs(Segments.list()) do
    if not one.count then -- of a process that has ended; or that goes on, in another segment
        one.count = Segments.survey(one.name)
        one.name = Segments.seal(one.name, one.count) or one.name
    end
    segments[one.number], newest = { name = one.name, count = one.count, gone = 0 }, math.max(newest, one.number)
end

--- Reserves ids of ten segments for the next start; not for page turns, as it may write a file. The folder knows them too.
function Spool.reserve()
    local isNear = (Memory:readSetting("reserved") or 0) < (newest + 2) * LINES
    if isNear then Memory:saveSetting("reserved", (newest + 10) * LINES):flush() end
end

-- A line but for its id, which comes from the segment that takes it.
local function line(event, fields, annotations)
    fields.device, fields.at, fields.up, fields.boot = Memory:readSetting("device").id, Clock.at(), Clock.up(), Clock.boot
    local list = annotations and '"annotations":' .. annotations .. "," or ""
    local text = require("rapidjson").encode(fields, { sort_keys = true })
    local rest = string.format('"event":"%s",', event) .. list .. text:sub(2)
    return { device = fields.device, weight = event == "device" and 0 or 1, rest = require("util").fixUtf8(rest, "\239\191\189") }
end

local function begin()
    local name, number, isFirst = Segments.create(newest + 1)
    if not name then return nil, number end
    if isFirst then Books.forgetTold() end
    local device = Memory:readSetting("device")
    local head = { name = device.name, model = device.model, koreader = require("version"):getCurrentRevision() }
    table.insert(unwritten, 1, line("device", head))
    active = { name = name, number = number, count = 0, gone = 0, size = 0, used = 0 }
    newest, segments[number] = number, active
    return true
end

--- Ends the active segment.
function Spool.seal()
    if active then active.name = Segments.seal(active.name, active.count) or active.name end
    active = nil
end

-- As many of the unwritten lines as fit into the active segment; one that is too long for any goes alone.
-- A line keeps the id that it gets here: it may be handed over before the disk takes it.
local function batch()
    local texts, size = {}, active.size
    for i, one in ipairs(unwritten) do
        size = size + #one.rest + 64
        local isFull = size > BYTES and (texts[1] or active.count > 0)
        if isFull or not one.id and active.used == LINES then break end
        if not one.id then
            active.used = active.used + 1
            one.id = string.format("%s-%06d", one.device, (active.number - 1) * LINES + active.used)
            one.text = string.format('{"v":1,"id":"%s",', one.id) .. one.rest
        end
        texts[i] = one.text
    end
    return texts
end

-- Writes what is unwritten; true, else nil and why the disk does not take it.
local function write(durable)
    while unwritten[1] do
        local ok, err = active or begin()
        if not ok then return nil, err end
        local texts, size, why = batch(), false, nil
        if texts[1] then size, why = Segments.append(active.name, texts, durable) else Spool.seal() end
        if size == nil then return nil, why end
        if not size and active then segments[active.number], active = nil, nil end -- sealed by another process
        if size then active.size = size end
        for _i = 1, size and #texts or 0 do active.count = active.count + table.remove(unwritten, 1).weight end
    end
    return true
end

--- Adds an event; `durable` waits until the disk has it, so never in a page turn. On a full disk memory keeps it.
function Spool.record(event, fields, durable)
    if Memory:isFalse("enabled") then return end
    local book = fields.book and fields.book.partial_md5
    local text, digest, list = Books.untold(book, fields.annotations)
    fields.annotations = nil
    table.insert(unwritten, line(event, fields, text))
    local ok, err = write(durable)
    Spool.error = not ok and tostring(err) or nil
    if ok and digest then Books.tell(book, digest, list) end
end

--- How many lines wait.
function Spool.waiting()
    local count = 0
    for _i, one in ipairs(unwritten) do count = count + one.weight end
    for _number, one in pairs(segments) do count = count + math.max(0, one.count - one.gone) end
    return count
end

--- Takes note of what the child says of each segment, and of the lines that only memory keeps.
function Spool.settle(reports)
    local dropped = false
    for _i, report in ipairs(reports or {}) do
        local one = segments[report.number]
        if one then one.gone = math.max(one.gone, report.gone) end
        if report.dropped then
            dropped, segments[report.number] = true, nil
            if one == active then active = nil end
        end
        for _j, id in ipairs(report.ids or {}) do
            for at = #unwritten, 1, -1 do if unwritten[at].id == id then table.remove(unwritten, at) end end
        end
    end
    if dropped and not active and begin() then write() end -- the newest number and the device are to be remembered
end

return Spool
