--- The books that were read here, by path: what each file was when it was last open. Only ever added to.
local DataStorage = require("datastorage")
local Stretch = require("booklorebridge_snapshot")
local guarded = require("booklorebridge_guard")
local lfs = require("libs/libkoreader-lfs")
local rapidjson = require("rapidjson")
local util = require("util")

local Books = {}
local PATH = DataStorage:getSettingsDir() .. "/booklorebridge.books"
local BYTES = 512 * 1024
local noted = {} -- the last line of each path that this process wrote

local function lines() return (util.readFromFile(PATH, "rb") or ""):gmatch("[^\n]+") end

local function write(path, mode, text)
    local file = io.open(path, mode)
    if not file then return nil end
    local ok = file:write(text)
    return file:close() and ok
end

--- Remembers a book and what its file is now: KOReader may have written highlights into it since it was opened.
Books.note = guarded(function(book)
    local md5, size = util.partialMD5(book.file), lfs.attributes(book.file, "size")
    local line = rapidjson.encode({ book = book, partial_md5 = md5, size = size }, { sort_keys = true })
    if not md5 or line == noted[book.file] then return end
    -- A line that was torn when KOReader died ends where this one begins.
    noted[book.file] = write(PATH, "ab", "\n" .. line .. "\n") and line
end)

--- What is remembered of a file, or of the files in a folder, by path.
function Books.at(path)
    local found, start = {}, rapidjson.encode(path):sub(1, -2)
    for line in lines() do
        local one = line:find(start, 1, true) and rapidjson.decode(line)
        local file = type(one) == "table" and type(one.book) == "table" and tostring(one.book.file)
        if file and (file == path or file:sub(1, #path + 1) == path .. "/") then found[file] = one end
    end
    return found
end

--- Describes a file that is not open, and whether it has been opened before: under the name that its lines gave it.
function Books.describe(file, remembered)
    local book, isKnown = Stretch.describe(file)
    local was = (remembered or Books.at(file))[file]
    if was and was.partial_md5 == book.partial_md5 and was.size == book.size then return was.book, true end
    return book, isKnown
end

-- At a start, and not often: the newer half stays. A book that is no longer in it still has its sidecar.
local isLong = (lfs.attributes(PATH, "size") or 0) > BYTES
local newer = isLong and (util.readFromFile(PATH, "rb") or ""):sub(-BYTES / 2):match("\n(.*)")
if newer and write(PATH .. ".new", "wb", newer) then os.rename(PATH .. ".new", PATH) end

return Books
