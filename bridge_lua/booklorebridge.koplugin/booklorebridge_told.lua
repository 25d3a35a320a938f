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

local function add(lines)
    local file = lines[1] and io.open(PATH, "ab")
    if not file then return end
    file:write(table.concat(lines))
    file:close()
end

--- Remembers a list, and the segment that holds it.
function Told.note(book, digest, segment)
    known[book] = { digest = digest, segment = segment }
    add{ string.format("%s %s %d\n", book, digest, segment) }
end

--- A core has all of these segments, a set of numbers.
function Told.arrived(gone)
    local lines = {}
    for book, last in pairs(known) do
        if gone[last.segment or ""] then
            last.segment = nil
            table.insert(lines, string.format("%s %s -\n", book, last.digest))
        end
    end
    add(lines)
end

--- Who reads the lines from now on was never told anything.
function Told.forget()
    known = {}
    os.remove(PATH)
end

return Told
