--- Messages: what a person asked for is answered, what nobody asked for lets a tap through, and none disturbs sleep.
local UIManager, guarded = require("ui/uimanager"), require("booklorebridge_guard")

local Messages, SECONDS = {}, 4
local asleep, later = false, {} -- what waits for the device to wake up
local last, answer -- the last text, and the window of the last answer
local open = setmetatable({}, { __mode = "k" }) -- messages that go away by themselves, and are on the screen, perhaps

-- Text that is no text would end KOReader when it is painted, where nothing is guarded.
function Messages.open(widget, options)
    options.text, options.title = tostring(options.text or ""), tostring(options.title or "")
    local shown = require("ui/widget/" .. widget):new(options)
    open[shown] = options.timeout
    UIManager:show(shown)
    return shown
end

function Messages.close(shown) if shown and UIManager:isWidgetShown(shown) then UIManager:close(shown) end end

function Messages.isAsleep() return asleep or require("device").screen_saver_mode == true end

--- Does something with the screen, or keeps it until there is one: the sleep screen is nobody's to cover.
function Messages.awake(show) if Messages.isAsleep() then table.insert(later, show) else show() end end

-- A sleep screen that is left by a tap is gone only after its event.
local catchUp = guarded(function()
    local shows = later
    later = {}
    for _i, show in ipairs(shows) do Messages.awake(guarded(show)) end
end)

--- The sleep screen is there already, below messages that were not tapped away.
function Messages.sleep()
    asleep = true
    for shown in pairs(open) do Messages.close(shown) end
end

function Messages.wake(isUp)
    if isUp then asleep = false end
    UIManager:nextTick(catchUp)
end

--- Answers a person; the answer before gives way.
function Messages.answer(text)
    Messages.awake(function()
        Messages.close(answer)
        last, answer = text, Messages.open("infomessage", { text = text, timeout = SECONDS })
    end)
end

--- Tells what nobody asked for, once, and not to somebody who sleeps: it would be old by the morning.
function Messages.notify(text)
    if Messages.isAsleep() or text == last then return end
    last = text
    for line in text:gmatch("[^\n]+") do Messages.open("notification", { text = line, timeout = SECONDS }) end
end

return Messages
