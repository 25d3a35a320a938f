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
local annotations = guarded(function(held)
    local copies = rapidjson.array()
    for i, item in ipairs(held) do
        copies[i] = { ext = item.ext and {} }
        for page, part in pairs(item.ext or {}) do copies[i].ext[tostring(page)] = part end
        for key, value in pairs(item) do copies[i][key] = copies[i][key] or value end
    end
    return copies
end)

-- As it stands there, whoever wrote it: what it is worth the core says. Null for none, nothing for what is no value.
local function stars(rating)
    if rating == nil or rating == 0 then return rapidjson.null end
    return type(rating) ~= "table" and pcall(rapidjson.encode, rating) and rating or nil
end

-- Where KOReader remembers that a jump began: a link, the contents, a bookmark; and back, and forth again.
local function jumps(ui)
    local link = ui.link or {}
    return #(link.location_stack or {}) .. "/" .. #(link.forward_location_stack or {})
end

-- Two columns are two pages; what KOReader hides is left out by a turn.
local isBeside = guarded(function(document, from, to)
    return math.abs(to - from) <= 2 or to == document:getNextPage(from) or to == document:getPrevPage(from)
end)

-- The address of KOReader's own progress sync, when that goes by itself: it would move the reader too.
local kosync = guarded(function(ui)
    local settings = ui.kosync and ui.kosync.settings or {}
    return settings.auto_sync and (settings.custom_server or "https://sync.koreader.rocks:443/"):gsub("//[^/]*@", "//") or nil
end)

--- A book as a line carries it, by the digest of its bytes: KOReader's own stays when another book is written to the
-- same path. Live from the reader that has it open, else from its sidecar. Also whether that is of these bytes.
function Stretch.describe(file, ui)
    -- :open would delete a sidecar that it cannot read
    local settings = ui and ui.doc_settings or DocSettings.openSettingsFile(DocSettings:findSidecarFile(file))
    local md5, digest = text(util.partialMD5(file)), text(settings:readSetting("partial_md5_checksum"))
    if not ui and not lfs.attributes(file, "mode") then md5 = digest end -- gone: no bytes are left to ask
    local isOfThese = ui ~= nil or md5 ~= nil and digest == md5
    local kept = isOfThese and settings:readSetting("doc_props") or {}
    local props = ui and ui.doc_props or kept -- with a person's own title, but without identifiers
    return {
        partial_md5 = md5, file = file, size = lfs.attributes(file, "size"),
        pages = ui and pages(ui) or isOfThese and settings:readSetting("doc_pages") or nil,
        title = text(props.title), language = text(props.language), identifiers = text(kept.identifiers),
        authors = text(props.authors) and rapidjson.array(util.splitToArray(props.authors, "\n")),
    }, isOfThese
end

function Stretch.begin(ui)
    local book = Stretch.describe(ui.document.file, ui)
    local self = { ui = ui, book = book, page = ui:getCurrentPage(), pages = book.pages, turns = 0 }
    self.began, self.spent, self.jumps = now(), 0, jumps(ui)
    return setmetatable(self, Stretch)
end

-- In whole seconds, which in sum are never more than have passed.
function Stretch:leavePage(at)
    local spent = math.max(math.floor(at - self.began), self.spent)
    self.dwell = self.dwell or rapidjson.array()
    table.insert(self.dwell, spent - self.spent)
    self.spent = spent
end

local function take(self, page, at, isTurn)
    local count, jumped = pages(self.ui), jumps(self.ui)
    local turned = isTurn and page ~= self.page and count == self.pages and jumped == self.jumps
    self.page, self.pages, self.jumps = page, count, jumped
    if not turned then return end
    self:leavePage(at)
    self.turns = self.turns + 1
    self.isDue = #self.dwell >= EVERY_TURNS or at - (self.told or 0) >= EVERY_SECONDS
end

--- Takes note of the page on show. A new layout, a jump and a page far away are no page turn.
-- A continuous view of pages tells of each page that comes up, a jump in it of those around: `settle` sees what stays.
function Stretch:show(page, mode)
    if type(page) ~= "number" then return end
    local isContinuous = self.ui.paging and self.ui.view and self.ui.view.page_scroll
    self.scrolled = isContinuous and mode == "scrolling" and (self.scrolled or now()) or nil
    if not self.scrolled then take(self, page, now(), not isContinuous and isBeside(self.ui.document, self.page, page)) end
end

--- After KOReader is done with a page: true when a checkpoint is due. Its position is that of the page before till then.
function Stretch:settle()
    if self.scrolled then take(self, self.ui:getCurrentPage(), self.scrolled, true) end
    self.scrolled = nil
    return self.isDue
end

--- What a line says of the book and its reader. `stars`: null when none are given, left out when they are not known.
function Stretch:snapshot(ended)
    self:settle()
    local ui, summary = self.ui, self.ui.doc_settings:readSetting("summary")
    local reading = place(ui, self.page, self.pages) or {}
    if ended then self:leavePage(now()) end
    reading.page, reading.pages, reading.turns, reading.dwell = self.page, self.pages, self.turns, self.dwell
    if type(summary) == "table" then reading.stars, reading.status = stars(summary.rating), text(summary.status) end
    local line = { book = self.book, reading = reading, kosync = not self.told and kosync(ui) or nil }
    if ended and ui.annotation then line.annotations = annotations(ui.annotation.annotations) end
    self.dwell, self.told, self.isDue = nil, now(), nil
    return line
end

return Stretch
