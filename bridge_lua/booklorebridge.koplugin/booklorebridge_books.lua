--- What is remembered of each book that was read here: what its file was when it was last open, and which annotations
-- were written down last, as digests: a list goes into a line only when it has changed.
local Sidecar, guarded = require("booklorebridge_sidecar"), require("booklorebridge_guard")
local md5, rapidjson, util = require("ffi/sha2").md5, require("rapidjson"), require("util")

local Books, PATH = {}, require("datastorage"):getSettingsDir() .. "/booklorebridge."
local MOST = { books = 512 * 1024, told = 64 * 1024 } -- bytes of files that are only added to; the last line counts
local noted = {} -- by path: the last line that this process wrote
local told = {} -- by digest of the book: that of its list
local last = {} -- the list that was told last, and of which book; to compare it is quicker than to spell it

local function read(name) return util.readFromFile(PATH .. name, "rb") or "" end

-- The size of the file then; nil when the disk does not take the text.
local function write(name, mode, text)
    local file = io.open(PATH .. name, mode)
    local size = file and file:write(text) and file:seek("end")
    return file and file:close() and size
end

-- True when the disk took the line. Of a file that has got long the newer half stays.
local function add(name, line)
    local size = write(name, "ab", "\n" .. line .. "\n") -- after a line that was torn when KOReader died
    local newer = size and size > MOST[name] and read(name):sub(-MOST[name] / 2):match("\n(.*)")
    if newer and write("new", "wb", newer) then os.rename(PATH .. "new", PATH .. name) end
    return size ~= nil
end

for book, digest in read("told"):gmatch("(%x+) (%x+)[^\n]*\n") do told[book] = digest end

--- Remembers a book and what its file is now: KOReader may have written highlights into it since it was opened.
Books.note = guarded(function(book)
    local md5, size = util.partialMD5(book.file), require("libs/libkoreader-lfs").attributes(book.file, "size")
    local line = rapidjson.encode({ book = book, partial_md5 = md5, size = size }, { sort_keys = true })
    if md5 and line ~= noted[book.file] then noted[book.file] = add("books", line) and line end
end)

--- What is remembered of a file, or of the files in a folder, by path.
function Books.at(path)
    local found, start = {}, rapidjson.encode(path):sub(1, -2)
    for line in read("books"):gmatch("[^\n]+") do
        local one = line:find(start, 1, true) and rapidjson.decode(line)
        local file = type(one) == "table" and type(one.book) == "table" and tostring(one.book.file)
        if file and (file == path or file:sub(1, #path + 1) == path .. "/") then found[file] = one end
    end
    return found
end

--- Describes a file that is not open, and whether it has been opened before: under the name that its lines gave it.
function Books.describe(file, remembered)
    local book, isKnown = Sidecar.describe(file)
    local was = (remembered or Books.at(file))[file]
    if was and was.partial_md5 == book.partial_md5 and was.size == book.size then return was.book, true end
    return book, isKnown
end

--- A book's annotations as JSON, its digest, and as a plain list; nothing when they are what was told last of the book.
function Books.untold(book, held)
    if not held or told[book] and last.book == book and util.tableEquals(last.list, held, true) then return end
    local list = Sidecar.annotations(held)
    local fine, text = pcall(rapidjson.encode, list, { sort_keys = true })
    local digest = list and fine and md5(text) -- what JSON cannot say costs the annotations, not the line
    if digest and told[book] ~= digest then return text, digest, list end
    last = { book = book, list = list }
end

--- Remembers the list that was written down of a book.
function Books.tell(book, digest, list)
    told[book], last = digest, { book = list and book, list = list }
    add("told", book .. " " .. digest)
end

--- What a line would say of a closed book's reading, and its annotations unless they were told last: nothing, where its
-- sidecar is of another book. They go past the spool, whose next list is then told even if it was the one before.
function Books.closed(file)
    local book, isKnown = Books.describe(file)
    if isKnown == false or not book.partial_md5 then return end
    local reading, list = Sidecar.read(file)
    list = select(3, Books.untold(book.partial_md5, list))
    if list then Books.tell(book.partial_md5, "0") end
    return next(reading) and pcall(rapidjson.encode, reading) and reading or nil, list
end

--- Who reads the lines from now on was never told anything: another core, or one that never gets those that were lost.
function Books.forgetTold()
    told = {}
    os.remove(PATH .. "told")
end

return Books
