--- What a person does in KOReader, and what is then on the screen, told as a line of JSON each.
local Event = require("ui/event")
local UIManager = require("ui/uimanager")
local json = require("rapidjson")
local lfs = require("libs/libkoreader-lfs")
local time = require("ui/time")

local Person = { books = arg[1] }
local report = assert(io.open(arg[2], "wb"))

function Person.tell(step, fields)
    fields.step = step
    report:write(json.encode(fields), "\n")
    report:flush()
end

--- Lets KOReader go on for so many seconds.
function Person.wait(seconds)
    local till = time.monotonic() + time.s(seconds)
    while time.monotonic() < till do UIManager:handleInput() end
end

function Person.broadcast(...) UIManager:broadcastEvent(Event:new(...)) end

--- Waits for a window with this text or title.
function Person.await(text)
    for _ = 1, 100 do
        for _, window in ipairs(UIManager._window_stack) do
            local widget = window.widget
            if widget.text == text or widget.title == text then
                UIManager:forceRePaint()
                return widget
            end
        end
        Person.wait(0.1)
    end
    error("never shown: " .. text)
end

--- Waits for a message, and closes it.
function Person.dismiss(text) UIManager:close(Person.await(text)) end

--- The entry with this text; labels that count are found by their beginning.
function Person.find(menu, text)
    for _, item in ipairs(menu.item_table) do
        if item.text and item.text:sub(1, #text) == text then return item end
    end
    error("no entry " .. text)
end

function Person.choose(menu, text)
    menu:onMenuSelect(Person.find(menu, text))
    UIManager:forceRePaint()
end

--- Opens KOReader's menu at our entry, as taps would.
function Person.openMenu(ui)
    ui.menu:onShowMenu()
    local menu = ui.menu.menu_container[1]
    for tab, items in ipairs(menu.tab_item_table) do
        for _, item in ipairs(items) do
            if item.text == "BookLore Sync" then menu:switchMenuTab(tab) end
        end
    end
    Person.choose(menu, "BookLore Sync")
    return menu
end

function Person.shownIn(menu)
    local texts = json.array()
    for _, item in ipairs(menu.item_table) do table.insert(texts, item.text) end
    return texts
end

local function button(widget, text)
    if widget.text == text and widget.onTapSelectButton then return widget end
    for _, child in ipairs(widget) do
        local found = button(child, text)
        if found then return found end
    end
end

--- Those of the texts that are on a button of the dialog.
function Person.buttons(dialog, texts)
    local found = json.array()
    for _, text in ipairs(texts) do
        if button(dialog, text) then table.insert(found, text) end
    end
    return found
end

function Person.tap(dialog, text)
    assert(button(dialog, text), "no button " .. text):onTapSelectButton()
    UIManager:forceRePaint()
end

-- KOReader's own plugins stay off, but for the one that lets gestures be chosen.
for entry in lfs.dir("plugins") do
    local name = entry:match("^(.*)%.koplugin$")
    if name and name ~= "gestures" then G_reader_settings:readSetting("plugins_disabled", {})[name] = true end
end

return Person
