--- Files of KOReader's settings folder that the core may ask for. The child process gives them to it in parts, from where
-- the core stands, and only ever reads them: KOReader may be writing to them.
local Clock, lfs, _ = require("booklorebridge_clock"), require("libs/libkoreader-lfs"), require("gettext")

local Files = { LUA_PLUGIN = "booklore-sync.sqlite" } -- of the plugin that was here before this one
Files.KNOWN = { -- and what a person is told while they are sent
    ["statistics.sqlite3"] = _("The reading history goes to the core…"),
    [Files.LUA_PLUGIN] = _("What the former plugin has kept goes to the core…"),
}
local FOLDER = require("datastorage"):getSettingsDir() .. "/"
-- Of one request: also over a slow network it is through long before the parent's deadline. And seconds after which a file
-- that changes has another time of change; FAT counts in twos.
local BYTES, SETTLED = 256 * 1024, 3

--- What tells one state of a file from another, with its size and time of change; false where there is nothing.
function Files.state(name)
    local size, changed = lfs.attributes(FOLDER .. name, "size") or 0, lfs.attributes(FOLDER .. name, "modification")
    return size > 0 and string.format("&size=%d&changed=%d", size, changed), size, changed
end

local function read(name, from)
    local file = io.open(FOLDER .. name, "rb")
    local part = file and file:seek("set", from) and file:read(BYTES)
    if file then file:close() end
    return part
end

-- True when the core has the whole file, false when time ran out, nil when the file was written to meanwhile.
local function send(name, ask, till)
    local was, size, changed = Files.state(name)
    local held, part = 0, ""
    if was and math.abs(os.time() - changed) < SETTLED then require("ffi/util").sleep(SETTLED) end
    while was do
        local before = held
        held = ask("PUT", "/v1/files/" .. name .. "?offset=" .. held .. was, part).held
        if held == size then return true end
        if part ~= "" and Clock.seconds() > till then return false end
        local isStuck = part ~= "" and held <= before
        part = not isStuck and read(name, held)
        if Files.state(name) ~= was then return nil end
        if not part then error({ sentence = _("This file does not get to the core: ") .. name }, 0) end
    end
    return true
end

--- Gives the core a file, with what SQLite keeps beside it, all of one state; how often that is tried is the core's word.
-- False when time ran out before the core had it.
function Files.send(name, ask, till)
    local beside = name .. "-wal"
    repeat
        local was, wasBeside = Files.state(name), Files.state(beside)
        local isThere = send(name, ask, till)
        isThere = isThere and send(beside, ask, till)
        if isThere == false then return false end
    until isThere and Files.state(name) == was and Files.state(beside) == wasBeside
    return true
end

return Files
