--- When lines are handed over. Each time costs a fork and the radio, so while a page is read it is only done at the core's
-- wish, or a quarter of an hour after the last time; a session's end, waking and a new network are always an occasion.
local Clock, Memory = require("booklorebridge_clock"), require("booklorebridge_memory")
local Screen, Spool = require("booklorebridge_screen"), require("booklorebridge_spool")

local Occasions = {}
local DELAYS = { page_turns = 10, book_close = 1 } -- seconds; a book that is opened next comes first
local SETTLE, LONGEST_OPENING = 1, 30 -- seconds after a book is on the screen; if it never is
local QUARTER, LONGEST_PAUSE = 15 * 60, 60 * 60
local openTill, failures, pauseTill = 0, 0, 0 -- seconds of the clock, as all times here
local asked = Clock.seconds() -- when the core was asked last, or is to be asked next
local turns, turnsThen = 0, 0 -- of this stretch: in its last line, and in what the core was handed

--- A book is being opened, or it is there (`ready`).
function Occasions.opening(ready) openTill = Clock.seconds() + (ready and SETTLE or LONGEST_OPENING) end

--- For how many seconds nothing may be handed over, because a book is still opening.
function Occasions.wait() return math.max(0, openTill - Clock.seconds()) end

--- What the core says of checkpoints: after how many pages and seconds each; anything else is no word on that.
function Occasions.take(said)
    local wish = type(said) == "table" and { pages = tonumber(said.pages), seconds = tonumber(said.seconds) } or {}
    Memory:saveSetting("hand_over", wish.pages and wish.seconds and wish or nil)
end

--- Whether the core wants to hear of a reader who has turned so many pages in this stretch.
function Occasions.wanted(count)
    local wish = Memory:readSetting("hand_over")
    return wish and count - turnsThen >= wish.pages and Clock.seconds() >= math.max(pauseTill, asked + wish.seconds)
end

--- Writes an event down, which may be an occasion.
function Occasions.note(event, fields, durable)
    Spool.record(event, fields, durable)
    local checkpoint = event == "page_turns"
    if event == "book_close" then openTill = 0 end
    turns = fields.reading and fields.reading.turns or turns
    turnsThen = math.min(turnsThen, turns) -- a stretch begins with none
    local isLongAgo = Clock.seconds() >= math.max(pauseTill, asked + QUARTER)
    if checkpoint and not isLongAgo and not Occasions.wanted(turns) then return end
    local delay = fields.reason ~= "suspend" and DELAYS[event] or 0
    if checkpoint then Occasions.begun(delay) end
    Screen.later(delay, {})
end

--- The core is asked, now or in so many seconds.
function Occasions.begun(delay) asked, turnsThen = Clock.seconds() + (delay or 0), turns end

--- The core was asked; after it was in vain, checkpoints pause for 1, 2, 4 … 60 minutes.
function Occasions.ended(well)
    failures = well and 0 or failures + 1
    pauseTill = well and 0 or Clock.seconds() + math.min(60 * 2 ^ (failures - 1), LONGEST_PAUSE)
end

return Occasions
