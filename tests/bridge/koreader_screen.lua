--- The UI loop and its windows.
local host, ko = ...
local class, provide = ko.class, ko.provide

-- UIManager: nothing that is scheduled is protected

local UIManager = {}
function UIManager:scheduleIn(seconds, action, ...)
    assert(seconds >= 0 and type(action) == "function")
    table.insert(ko.tasks, { at = host.mono() + seconds, action = action, args = { n = select("#", ...), ... } })
end
function UIManager:nextTick(action, ...)
    table.insert(ko.ticks, { action = action, args = { n = select("#", ...), ... } })
end
function UIManager:unschedule(action)
    for i = #ko.tasks, 1, -1 do
        if ko.tasks[i].action == action then table.remove(ko.tasks, i) end
    end
end
function UIManager:show(widget) table.insert(ko.shown, widget) end
function UIManager:close(widget)
    for i = #ko.shown, 1, -1 do
        if ko.shown[i] == widget then table.remove(ko.shown, i) end
    end
end
function UIManager:isWidgetShown(widget)
    for _, one in ipairs(ko.shown) do if one == widget then return true end end
    return false
end
function UIManager:preventStandby() ko.standby = ko.standby + 1 end
function UIManager:allowStandby()
    assert(ko.standby > 0, "unbalanced allowStandby")
    ko.standby = ko.standby - 1
end
provide("ui/uimanager", UIManager)

--- The UI loop goes round once: what waited for the end of an event runs.
function ko.tick()
    local due = ko.ticks
    ko.ticks = {}
    for _, task in ipairs(due) do task.action(unpack(task.args, 1, task.args.n)) end
end

--- Runs the next task that is due; false when none is. Errors go through, as they would end KOReader.
function ko.step()
    for i, task in ipairs(ko.tasks) do
        if task.at <= host.mono() then
            table.remove(ko.tasks, i)
            task.action(unpack(task.args, 1, task.args.n))
            return true
        end
    end
    return false
end

-- Windows. A button knows one line: a newline in its text is a box on the screen.

local WINDOWS = { "infomessage", "notification", "textviewer", "buttondialog", "inputdialog", "menu" }
local Windows = {}
for _, name in ipairs(WINDOWS) do
    local Widget = class{ kind = name, toast = name == "notification", modal = name == "infomessage" }
    function Widget:getInputText() return self.typed or self.input end
    function Widget:onShowKeyboard() self.keyboard = true end
    Windows[name] = Widget
    provide("ui/widget/" .. name, Widget)
end

function Windows.notification:init() assert(not self.text:find("\n"), "a notification has one line") end

function Windows.buttondialog:init()
    for _, row in ipairs(self.buttons) do
        for _, button in ipairs(row) do button.text = button.text:gsub("\n", "□") end
    end
end

function Windows.menu:onMenuSelect(item)
    item.callback()
    if self.close_callback then self.close_callback() end
end
function Windows.menu:onClose()
    UIManager:close(self)
    if self.close_callback then self.close_callback() end
end

--- A tap on the screen: it closes every toast and goes on to the window below; true if it reaches the book.
function ko.tap()
    for i = #ko.shown, 1, -1 do
        local window = ko.shown[i]
        if window.toast or window.modal then UIManager:close(window) end
        if not window.toast then return false end
    end
    return true
end

-- As ui/bidi of a left-to-right interface: text between isolates keeps its own direction.
provide("ui/bidi", {
    auto = function(text) return "\226\129\168" .. text .. "\226\129\169" end,
    rtlUIText = function() return ko.right_to_left == true end,
})

local Container = class()
function Container:handleEvent(event, ...)
    local handler = self["on" .. event]
    if handler then return handler(self, ...) end
end
provide("ui/widget/container/widgetcontainer", Container)
