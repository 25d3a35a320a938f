--- A book as a line carries it: live from the reader that has it open, else from its sidecar, which is only ever read.
local DocSettings, guarded = require("docsettings"), require("booklorebridge_guard")
local lfs, rapidjson, util = require("libs/libkoreader-lfs"), require("rapidjson"), require("util")

local Sidecar = { pages = guarded(function(ui) return ui.document:getPageCount() end) }

local function text(value) return type(value) == "string" and value ~= "" and value or nil end

-- :open would delete a sidecar that it cannot read, and this one fails over an empty one.
local function kept(file)
    return guarded(DocSettings.openSettingsFile)(DocSettings:findSidecarFile(file)) or DocSettings.openSettingsFile()
end

--- The book by the digest of its bytes: KOReader's own stays when another book is written to the same path. Also whether
-- its sidecar is of these bytes; nil where that does not say of which it is.
function Sidecar.describe(file, ui)
    local settings = ui and ui.doc_settings or kept(file)
    local md5, digest = text(util.partialMD5(file)), text(settings:readSetting("partial_md5_checksum"))
    if not ui and not lfs.attributes(file, "mode") then md5 = digest end -- gone: no bytes are left to ask
    local isOfThese = ui ~= nil or digest and digest == md5
    local known = isOfThese and settings:readSetting("doc_props") or {}
    local props = ui and ui.doc_props or known -- with a person's own title, but without identifiers
    return {
        partial_md5 = md5, file = file, size = lfs.attributes(file, "size"),
        pages = ui and Sidecar.pages(ui) or isOfThese and settings:readSetting("doc_pages") or nil,
        title = text(props.title), language = text(props.language), identifiers = text(known.identifiers),
        authors = text(props.authors) and rapidjson.array(util.splitToArray(props.authors, "\n")),
    }, isOfThese
end

--- Stars as they stand there, whoever wrote them, the status, and the review where that is wanted. Null for none; nothing
-- for what is not known or no value.
function Sidecar.verdict(settings, isWhole)
    local summary = settings:readSetting("summary")
    if type(summary) ~= "table" then return end
    local rating, none = summary.rating ~= 0 and summary.rating or rapidjson.null, isWhole and rapidjson.null or nil
    rating = type(rating) ~= "table" and pcall(rapidjson.encode, rating) and rating or nil
    return rating, text(summary.status), isWhole and text(summary.note) or none
end

-- Word for word, but numbers with the digits that a sidecar keeps: else they differ after the book was opened again.
-- KOReader keys `ext` by page number, and JSON knows names only.
local function plain(value, name)
    if type(value) ~= "table" then return type(value) == "number" and value % 1 ~= 0 and tonumber(tostring(value)) or value end
    local copy = {}
    for key, part in pairs(value) do copy[name == "ext" and tostring(key) or key] = plain(part, key) end
    return copy
end

--- Annotations as a line has them, in a list of their own.
Sidecar.annotations = guarded(function(held) return rapidjson.array(plain(held)) end)

-- A text that KOReader made itself is nobody's note.
local function note(old)
    local ending = tostring(old.notes) .. " @ " .. tostring(old.datetime)
    return old.text ~= old.notes and tostring(old.text):sub(-#ending) ~= ending and text(old.text) or nil
end

-- The tables from before 2024, as KOReader converts them when it opens the book: bookmarks, the highest place first; the
-- style of those that are highlights stands elsewhere.
local converted = guarded(function(bookmarks, highlights)
    local list, styles = {}, {}
    for _page, on in pairs(highlights or {}) do for _i, one in ipairs(on) do styles[one.datetime or ""] = one end end
    for i = #bookmarks, 1, -1 do
        local one = bookmarks[i]
        local style = one.highlighted and (styles[one.datetime] or { drawer = "lighten" }) or {}
        for _j, pos in ipairs{ one.pos0, one.pos1 } do if type(pos) == "table" then pos.page = pos.page or one.page end end
        one.note, one.text, one.notes, one.highlighted = note(one), one.notes, nil, nil
        one.drawer, one.color, one.text_edited, one.ext = style.drawer, style.color, style.edited, style.ext
        table.insert(list, one)
    end
    return list
end)

--- What a line would say of a closed book's reading, and its annotations; of these nothing where there is no table.
function Sidecar.read(file)
    local settings = kept(file)
    local function get(name) return settings:readSetting(name) end
    local reading = { percent = get("percent_finished"), page = get("last_page"), pages = get("doc_pages") }
    reading.position = text(get("last_xpointer")) or reading.page and tostring(reading.page)
    reading.stars, reading.status, reading.review = Sidecar.verdict(settings, true)
    local held = get("annotations") or get("bookmarks") and converted(get("bookmarks"), get("highlight"))
    return reading, held
end

return Sidecar
