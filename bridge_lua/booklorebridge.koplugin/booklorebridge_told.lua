--- Which annotations were written down last of each book, as digests: a list goes into a line only when it has changed.
local DataStorage = require("datastorage")
local util = require("util")

local Told = { digest = require("ffi/sha2").md5 }
local PATH = DataStorage:getSettingsDir() .. "/booklorebridge.told" -- only grows; where it is long, it begins anew
local LIMIT = 64 * 1024
local known = {} -- by book: digest, and the number of the segment that holds the list until a core has it

local text = util.readFromFile(PATH, "rb") or ""
if #text > LIMIT then os.remove(PATH) end
for book, digest, segment in (#text > LIMIT and "" or text):gmatch("(%x+) (%x+) (%S+)\n") do
    known[book] = { digest = digest, segment = tonumber(segment) }
end

--- Whether this is the last list written down of the book; not if isThere(number) misses the segment that held it.
function Told.has(book, digest, isThere)
    local last = known[book]
    return last and last.digest == digest and (not last.segment or isThere(last.segment))
end

--- Remembers a list, and the segment that holds it; none when a core has it.
function Told.note(book, digest, segment)
    known[book] = { digest = digest, segment = segment }
    local file = io.open(PATH, "ab")
    if not file then return end
    file:write(string.format("%s %s %s\n", book, digest, segment or "-"))
    file:close()
end

--- A core has all of a segment.
function Told.arrived(segment)
    for book, last in pairs(known) do
        if last.segment == segment then Told.note(book, last.digest) end
    end
end

--- Who reads the lines from now on was never told anything.
function Told.forget()
    known = {}
    os.remove(PATH)
end

return Told
