--- A stretch of reading: page turns, seconds on each page, and the open book, all live: the sidecar is stale.
local DocSettings = require("docsettings")
local guarded = require("booklorebridge_guard")
local lfs = require("libs/libkoreader-lfs")
local rapidjson = require("rapidjson")
local time = require("ui/time")
local util = require("util")

local Stretch = {}
Stretch.__index = Stretch
local EVERY_TURNS, EVERY_SECONDS = 5, 60

-- Stands still while the device sleeps, and no clock correction moves it.
local function now() return time.to_s(time.monotonic()) end
local function text(value) return type(value) == "string" and value ~= "" and value or nil end
local pages = guarded(function(ui) return ui.document:getPageCount() end)

local place = guarded(function(ui, page, count)
    local engine = ui.rolling or ui.paging
    local percent, position = engine:getLastPercent() or page / count, engine:getLastProgress()
    percent = percent == percent and math.min(math.max(percent, 0), 1) or nil
    return { percent = percent, position = position and tostring(position) }
end)

-- Word for word, but that KOReader keys `ext` by page number, and JSON knows names only.
local function annotations(held)
    local copies = rapidjson.array()
    for i, item in ipairs(held) do
        copies[i] = { ext = item.ext and {} }
        for page, part in pairs(item.ext or {}) do copies[i].ext[tostring(page)] = part end
        for key, value in pairs(item) do copies[i][key] = copies[i][key] or value end
    end
    return copies
end

--- A book as a line carries it: live from the reader that has it open, else from its sidecar if there is one.
function Stretch.describe(file, ui)
    -- :open would delete a sidecar that it cannot read
    local settings = ui and ui.doc_settings or DocSettings.openSettingsFile(DocSettings:findSidecarFile(file))
    local props = ui and ui.doc_props or settings:readSetting("doc_props") or {}
    return {
        partial_md5 = text(settings:readSetting("partial_md5_checksum")) or text(util.partialMD5(file)),
        file = file, size = lfs.attributes(file, "size"), pages = ui and pages(ui) or settings:readSetting("doc_pages"),
        title = text(props.title), language = text(props.language), identifiers = text(props.identifiers),
        authors = text(props.authors) and rapidjson.array(util.splitToArray(props.authors, "\n")),
    }
end

function Stretch.begin(ui)
    local book = Stretch.describe(ui.document.file, ui)
    local self = { ui = ui, book = book, page = ui:getCurrentPage(), pages = book.pages, turns = 0, since = now() }
    return setmetatable(self, Stretch)
end

function Stretch:leavePage(at)
    self.dwell = self.dwell or rapidjson.array()
    table.insert(self.dwell, math.max(0, math.floor(at - self.since + 0.5)))
    self.since = at
end

--- Takes note of the page on show; true when a checkpoint is due. A new layout or a jump of ours is no page turn.
function Stretch:show(page)
    if type(page) ~= "number" then return false end
    local at, count = now(), pages(self.ui)
    local turned = page ~= self.page and count == self.pages and not self.jumping
    self.page, self.pages, self.jumping = page, count, nil
    if not turned then return false end
    self:leavePage(at)
    self.turns = self.turns + 1
    return #self.dwell >= EVERY_TURNS or at - (self.told or 0) >= EVERY_SECONDS
end

--- What a line says of the book and its reader. `stars`: null when none are given, left out when they are not known.
function Stretch:snapshot(ended)
    local ui, summary = self.ui, self.ui.doc_settings:readSetting("summary")
    local reading = place(ui, self.page, self.pages) or {}
    if ended then self:leavePage(now()) end
    reading.page, reading.pages, reading.turns, reading.dwell = self.page, self.pages, self.turns, self.dwell
    if type(summary) == "table" then
        local stars = tonumber(summary.rating) or 0
        reading.stars, reading.status = stars > 0 and stars or rapidjson.null, text(summary.status)
    end
    self.dwell, self.told = nil, now()
    local held = ended and ui.annotation and ui.annotation.annotations
    return { book = self.book, reading = reading, annotations = held and annotations(held) or nil }
end

return Stretch
