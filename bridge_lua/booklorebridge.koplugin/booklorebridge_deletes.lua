--- Notices books that leave the device: KOReader has no event for that.
local DocSettings = require("docsettings")
local Json = require("booklorebridge_json")
local Memory = require("booklorebridge_memory")
local Snapshot = require("booklorebridge_snapshot")
local guarded = require("booklorebridge_guard")
local lfs = require("libs/libkoreader-lfs")
local util = require("util")

local Deletes = {}
local BOOKS, CONFIRM_AFTER, FILES = 300, 24 * 3600, 5000
local ledger, report -- the books known, by path

local function known()
    ledger = ledger or Json.decode(Memory.read(Memory.path("books.json"))) or {}
    return ledger
end

local function save()
    Memory.replace(Memory.path("books.json"), Json.encode(known()))
end

--- Puts a book into the ledger, and takes the one longest in it out when there are too many.
Deletes.know = guarded(function(book)
    local books = known()
    local old, count, first = books[book.file], 0, book.file
    if old and old.partial_md5 == book.partial_md5 and not old.missing then return end
    books[book.file] = { seen = os.time() }
    for key, value in pairs(book) do books[book.file][key] = value end
    for file, one in pairs(books) do
        count = count + 1
        if one.seen < books[first].seen then first = file end
    end
    if count > BOOKS then books[first] = nil end
    save()
end)

local function forget(file, book)
    known()[file] = nil
    save()
    if not (book and book.partial_md5) then return end
    book.seen, book.missing = nil, nil
    report(book)
end

-- The sidecar is purged after this; openSettingsFile never deletes what it cannot read, as DocSettings:open would.
local function fromSidecar(file)
    local sidecar = DocSettings:findSidecarFile(file)
    if not sidecar then return nil end
    local settings = DocSettings.openSettingsFile(sidecar)
    local props = settings:readSetting("doc_props") or {}
    return Snapshot.describe(file, settings, props, settings:readSetting("doc_pages"))
end

local relocated = guarded(function(file, new, copy)
    if new == nil and not lfs.attributes(file, "mode") then
        local book = known()[file] or {}
        for key, value in pairs(guarded(fromSidecar)(file) or {}) do book[key] = book[key] or value end
        forget(file, book)
    elseif new and new ~= file and not copy and known()[file] then
        known()[new], known()[file] = known()[file], nil
        known()[new].file = new
        save()
    end
end)

--- The one hook into KOReader: every deletion, rename and move of a single book passes here.
function Deletes.install(record)
    if report then return end
    report = record
    local original = DocSettings.updateLocation
    DocSettings.updateLocation = function(...)
        relocated(...)
        return original(...)
    end
end

local function elsewhere(book)
    local found = false
    local home = G_reader_settings:readSetting("home_dir") or book.file:match("(.*)/")
    util.findFiles(home, function(path, _name, attributes)
        found = found or (attributes.size == book.size and util.partialMD5(path) == book.partial_md5)
    end, true, FILES)
    return found
end

--- Finds books that vanished over USB: gone for a day from a folder that is there, and nowhere else.
Deletes.reconcile = guarded(function()
    for file, book in pairs(known()) do
        if lfs.attributes(file, "mode") or lfs.attributes(file:match("(.*)/"), "mode") ~= "directory" then
            book.missing = nil
        elseif not book.missing then
            book.missing = os.time()
            save()
        elseif os.time() - book.missing > CONFIRM_AFTER then
            if elsewhere(book) then known()[file] = nil; save() else forget(file, book) end
        end
    end
end)

return Deletes
