--- A stretch of reading: page turns, seconds on each page, and the open book, all live: the sidecar is stale.
local Sidecar, guarded, time = require("booklorebridge_sidecar"), require("booklorebridge_guard"), require("ui/time")

local Stretch = {}
Stretch.__index = Stretch
local EVERY_TURNS, EVERY_SECONDS = 5, 60

-- Stands still while the device sleeps, and no clock correction moves it.
local function now() return time.to_s(time.monotonic()) end

local place = guarded(function(ui, page, count)
    local engine = ui.rolling or ui.paging
    local percent, position = engine:getLastPercent() or page / count, engine:getLastProgress()
    percent = percent == percent and math.min(math.max(percent, 0), 1) or nil
    return { percent = percent, position = position and tostring(position) }
end)

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

function Stretch.begin(ui)
    local book = Sidecar.describe(ui.document.file, ui)
    local self = { ui = ui, book = book, page = ui:getCurrentPage(), pages = book.pages, turns = 0 }
    self.began, self.spent, self.jumps = now(), 0, jumps(ui)
    return setmetatable(self, Stretch)
end

-- In whole seconds, which in sum are never more than have passed.
function Stretch:leavePage(at)
    local spent = math.max(math.floor(at - self.began), self.spent)
    self.dwell = self.dwell or require("rapidjson").array()
    table.insert(self.dwell, spent - self.spent)
    self.spent = spent
end

local function take(self, page, at, isTurn)
    local count, jumped = Sidecar.pages(self.ui), jumps(self.ui)
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

--- What a line says of the book and its reader.
function Stretch:snapshot(ended)
    self:settle()
    local ui, reading = self.ui, place(self.ui, self.page, self.pages) or {}
    if ended then self:leavePage(now()) end
    reading.page, reading.pages, reading.turns, reading.dwell = self.page, self.pages, self.turns, self.dwell
    reading.stars, reading.status, reading.review = Sidecar.verdict(ui.doc_settings, ended)
    local line = { book = self.book, reading = reading, kosync = not self.told and kosync(ui) or nil }
    if ended and ui.annotation then line.annotations = ui.annotation.annotations end
    self.dwell, self.told, self.isDue = nil, now(), nil
    return line
end

return Stretch
