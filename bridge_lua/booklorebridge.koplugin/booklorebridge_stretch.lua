--- One stretch of reading: its page turns and the seconds spent on each page left.
local guarded = require("booklorebridge_guard")
local rapidjson = require("rapidjson")
local time = require("ui/time")

local Stretch = {}
Stretch.__index = Stretch
local EVERY_TURNS, EVERY_SECONDS = 5, 60

-- Stands still while the device sleeps, and no clock correction moves it.
local function now()
    return time.to_s(time.monotonic())
end

function Stretch.begin(page, pages)
    local at = now()
    return setmetatable({ page = page, pages = pages, turns = 0, dwell = {}, since = at, told = at }, Stretch)
end

function Stretch:leave(at)
    table.insert(self.dwell, math.max(0, math.floor(at - self.since + 0.5)))
    self.since = at
end

--- Takes note of the page on show; true when a checkpoint is due.
function Stretch:show(page, pages)
    self.undo = nil
    if type(page) ~= "number" then return false end
    local at = now()
    local turned = page ~= self.page and pages == self.pages and not self.jumping -- else laid out anew, or moved
    if turned then
        self.undo = { since = self.since, at = at }
        self:leave(at)
        self.turns = self.turns + 1
    end
    self.page, self.pages = page, pages
    return turned and (#self.dwell >= EVERY_TURNS or at - self.told >= EVERY_SECONDS)
end

--- Runs what moves the reader on the core's behalf.
function Stretch:jump(move)
    self.jumping = true
    guarded(move)()
    self.jumping = false
end

--- KOReader tells of a new layout only after it has shown the page: that was no page turn.
function Stretch:rerendered(pages)
    local undo = self.undo
    self.pages, self.undo = pages, nil
    if undo and #self.dwell > 0 and now() - undo.at < 1 then
        table.remove(self.dwell)
        self.since, self.turns = undo.since, self.turns - 1
    end
end

--- The seconds on each page left since the last line; at the end also those on the last page.
function Stretch:take(ended)
    local at, dwell = now(), rapidjson.array(self.dwell)
    if ended then self:leave(at) end
    self.dwell, self.told, self.undo = {}, at, nil
    return dwell
end

return Stretch
