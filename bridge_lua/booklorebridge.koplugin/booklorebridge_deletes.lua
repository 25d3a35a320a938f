--- Books that leave the device. KOReader has no event for that, so its functions that delete are watched.
local Books, Sidecar, Spool = require("booklorebridge_books"), require("booklorebridge_sidecar"), require("booklorebridge_spool")
local guarded, lfs = require("booklorebridge_guard"), require("libs/libkoreader-lfs")
local DocSettings, FileManager = require("docsettings"), require("apps/filemanager/filemanager")

local doomed -- while KOReader deletes: the books that it may delete, by path

-- Only while the file is there can its bytes say which book it is: another one may lie where a read one was.
local look = guarded(function(file, remembered)
    local isRead = remembered[file] or require("document/documentregistry"):hasProvider(file) and DocSettings:findSidecarFile(file)
    if not isRead or not lfs.attributes(file, "mode") then return end
    local book, isKnown = Books.describe(file, remembered)
    doomed[file] = isKnown and book or nil
end)

-- At two thousand files of a folder at most.
local function lookBelow(path)
    local remembered = Books.at(path)
    if lfs.attributes(path, "mode") ~= "directory" then return look(path, remembered) end
    for file in pairs(remembered) do look(file, remembered) end
    require("util").findFiles(path, function(file) if not doomed[file] then look(file, remembered) end end, true, 2000)
end

local tell = guarded(function(file, book)
    if book.partial_md5 and not lfs.attributes(file, "mode") then Spool.record("delete", { book = book }, true) end
end)

local function watch(name, pathsOf)
    local delete = FileManager[name]
    FileManager[name] = delete and function(...)
        doomed = {}
        for _i, path in ipairs(guarded(pathsOf)(...) or {}) do guarded(lookBelow)(path) end
        local isGone = delete(...)
        for file, book in pairs(doomed or {}) do tell(file, book) end
        doomed = nil
        return isGone
    end
end

watch("deleteFile", function(_ui, path) return { path } end)
watch("deleteSelectedFiles", function(ui)
    local paths = {}
    for path in pairs(ui.selected_files) do table.insert(paths, require("ffi/util").realpath(path)) end
    return paths
end)

-- Deleted by something else, the file is gone by now: it was what it was when it was last open.
local unseen = guarded(function(file)
    local was = Books.at(file)[file]
    tell(file, was and was.book or (Sidecar.describe(file)))
end)

local updateLocation = DocSettings.updateLocation
function DocSettings.updateLocation(file, new, ...)
    if not new and not doomed then unseen(file) end -- moves and copies have a target
    return updateLocation(file, new, ...)
end
