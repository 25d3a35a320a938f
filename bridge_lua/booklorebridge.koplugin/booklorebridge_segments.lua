--- The spool's folder. Lines are only ever added to its files, the segments; a segment is deleted as a whole.
-- NUMBER.jsonl is written to by the one process that created it; NUMBER-COUNT.jsonl is sealed. Anybody may seal a segment:
-- its writer looks after each write whether it is still there, and if not writes the same lines again elsewhere. So
-- a sealed segment may be deleted by whoever has seen all of it handed over.
local ffiUtil, lfs = require("ffi/util"), require("libs/libkoreader-lfs")

local Segments = { LINES = 1000 } -- at most, of a segment; its number reserves their ids
local FOLDER = require("datastorage"):getSettingsDir() .. "/booklorebridge.spool"
local HEAD = '^{"v":1,"id":"(([^"]*)%-(%d+))","event":"([%l_]*)'
local created -- the segment whose entry in the folder may not be on the disk yet

local function path(name) return FOLDER .. "/" .. name end

--- The segments, oldest first: name, number, and when it is sealed the count of lines that wait.
function Segments.list()
    local list = {}
    if lfs.attributes(FOLDER, "mode") ~= "directory" then return list end
    for name in lfs.dir(FOLDER) do
        local number, count = name:match("^(%d+)%-?(%d*)%.jsonl$")
        if number then table.insert(list, { name = name, number = tonumber(number), count = tonumber(count) }) end
    end
    table.sort(list, function(a, b) return a.number < b.number end)
    return list
end

--- A new segment that no other process has, with this number or a higher one: its name and number, and whether the folder
-- had been lost, or was never there; or nil and why.
function Segments.create(number)
    local isFirst, name = lfs.mkdir(FOLDER), string.format("%08d.jsonl", number)
    local file, err, code = io.open(path(name), "abx")
    if code == 17 then return Segments.create(number + 1) end -- EEXIST
    if not file then return nil, err end
    file:close()
    created = name
    return name, number, isFirst
end

function Segments.holds(name) return lfs.attributes(path(name), "mode") == "file" end

--- Adds lines; its new size. Else false when the segment is not there any more, or nil and why the disk did not take them.
-- The file is closed each time: an open one would keep USB storage from being unmounted.
function Segments.append(name, lines, durable)
    local file, err = io.open(path(name), "r+b")
    if not file then return Segments.holds(name) and nil, err end
    -- What a full disk tore must not be glued to what follows.
    local torn = file:seek("end") > 0 and file:seek("end", -1) and file:read(1) ~= "\n"
    file:seek("end")
    local ok, why = file:write(torn and "\n" or "", table.concat(lines, "\n"), "\n")
    if ok then ok, why = file:flush() end
    if ok and durable then pcall(ffiUtil.fsyncOpenedFile, file) end -- not every file system can
    if ok and durable and created == name then created = not pcall(ffiUtil.fsyncDirectory, FOLDER) and name end
    local size = file:seek("end")
    file:close()
    if not ok then return nil, why end
    return Segments.holds(name) and size
end

--- Ends a segment; its new name.
function Segments.seal(name, count)
    local sealed = name:gsub("%.", string.format("-%04d.", count), 1)
    return os.rename(path(name), path(sealed)) and sealed
end

--- Deletes a segment, unless it holds more than so many bytes by now.
function Segments.drop(name, size)
    local function hasGrown(now) return lfs.attributes(path(now), "size") ~= size end
    if hasGrown(name) then return false end
    local sealed = name:find("-", 1, true) and name or Segments.seal(name, 0)
    return sealed and not hasGrown(sealed) and os.remove(path(sealed))
end

--- The lines of a segment, each with its id, device, number and event as far as it tells them. At the end `report` has its size.
function Segments.lines(name, report)
    local file = io.open(path(name), "rb")
    return function()
        local line = file and file:read()
        while line == "" do line = file:read() end
        if line then return line, line:match(HEAD) end
        if file then report.size = file:seek(); file:close() end
    end
end

--- How many lines of a segment wait, the highest number of a line, and the device that wrote them.
function Segments.survey(name)
    local count, highest, writer = 0, 0, nil
    for _line, _id, device, number, event in Segments.lines(name, {}) do
        count, highest = count + (event ~= "device" and 1 or 0), math.max(highest, tonumber(number) or 0)
        writer = device or writer
    end
    return count, highest, writer
end

--- The id of the device that wrote the newest of the segments; nil when there are none.
function Segments.writer()
    local list, writer = Segments.list(), nil
    for i = #list, 1, -1 do writer = writer or select(3, Segments.survey(list[i].name)) end
    return writer
end

-- An older version wrote one file, under the folder's name: it becomes a segment, with a number as high as its lines'.
-- Each step may be the last one.
local OLD = FOLDER .. ".file"
if lfs.attributes(FOLDER, "mode") == "file" then os.rename(FOLDER, OLD) end
if lfs.attributes(OLD, "mode") then
    lfs.mkdir(FOLDER)
    local count, highest = Segments.survey("../" .. OLD:match("[^/]*$"))
    os.rename(OLD, path(string.format("%08d-%04d.jsonl", math.ceil(highest / Segments.LINES), count)))
end

return Segments
