--- Reads the open book: always live, as the sidecar on disk is stale until the book is closed.
local guarded = require("booklorebridge_guard")
local lfs = require("libs/libkoreader-lfs")
local rapidjson = require("rapidjson")
local util = require("util")

local Snapshot = {}

local function text(value)
    return type(value) == "string" and value ~= "" and value or nil
end

--- A book as a line carries it, from the settings and properties that KOReader keeps of it.
function Snapshot.describe(file, settings, pages, props)
    props = props or settings:readSetting("doc_props") or {}
    local authors = rapidjson.array()
    for name in (text(props.authors) or ""):gmatch("[^\n]+") do table.insert(authors, name) end
    return {
        partial_md5 = text(settings:readSetting("partial_md5_checksum")) or text(util.partialMD5(file)),
        file = file,
        size = lfs.attributes(file, "size"),
        title = text(props.title),
        authors = #authors > 0 and authors or nil,
        identifiers = text(props.identifiers),
        language = text(props.language),
        pages = pages,
    }
end

Snapshot.pages = guarded(function(ui)
    return ui.document:getPageCount()
end)

function Snapshot.book(ui)
    return Snapshot.describe(ui.document.file, ui.doc_settings, Snapshot.pages(ui), ui.doc_props)
end

local percent = guarded(function(ui, page, pages)
    local fraction = (ui.rolling or ui.paging):getLastPercent() or page / pages
    return fraction == fraction and math.min(math.max(fraction, 0), 1) or nil
end)

local position = guarded(function(ui)
    local progress = (ui.rolling or ui.paging):getLastProgress()
    return progress and tostring(progress)
end)

--- Where the reader is. `stars` is null when none are given, and left out when they cannot be read.
function Snapshot.reading(ui, stretch, dwell)
    local summary = ui.doc_settings:readSetting("summary")
    local readable = type(summary) == "table"
    local stars = readable and tonumber(summary.rating) or 0
    return {
        percent = percent(ui, stretch.page, stretch.pages),
        page = stretch.page,
        pages = stretch.pages,
        position = position(ui),
        turns = stretch.turns,
        dwell = dwell,
        stars = readable and (stars > 0 and stars or rapidjson.null) or nil,
        status = readable and text(summary.status) or nil,
    }
end

-- KOReader keys `ext` by page number, and JSON knows names only.
local function withNames(item)
    local copy = { ext = {} }
    for page, part in pairs(item.ext) do copy.ext[tostring(page)] = part end
    for key, value in pairs(item) do copy[key] = copy[key] or value end
    return copy
end

--- The annotations as KOReader holds them, word for word; nil when they cannot be read.
function Snapshot.annotations(ui)
    local held = ui.annotation and ui.annotation.annotations
    if not held then return nil end
    local copy = rapidjson.array()
    for i, item in ipairs(held) do copy[i] = item.ext and withNames(item) or item end
    return copy
end

return Snapshot
