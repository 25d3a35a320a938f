--- The UI loop and its windows.
local host, ko = ...
local class, provide = ko.class, ko.provide

-- UIManager: nothing that is scheduled is protected

local UIManager = {}
function UIManager:scheduleIn(seconds, action, ...)
    assert(seconds >= 0 and type(action) == "function")
    table.insert(ko.tasks, { at = host.mono() + seconds, action = action, args = { n = select("#", ...), ... } })
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

for _, name in ipairs{ "infomessage", "textviewer", "buttondialog", "inputdialog" } do
    local Widget = class{ kind = name }
    function Widget:getInputText() return self.typed or self.input end
    function Widget:onShowKeyboard() self.keyboard = true end
    provide("ui/widget/" .. name, Widget)
end

local Container = class()
function Container:handleEvent(event, ...)
    local handler = self["on" .. event]
    if handler then return handler(self, ...) end
end
provide("ui/widget/container/widgetcontainer", Container)
