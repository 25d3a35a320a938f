--- A visit to a real KOReader: what a person does there, and what is then on the screen, told as a line of JSON each.
local Dispatcher = require("dispatcher")
local Event = require("ui/event")
local UIManager = require("ui/uimanager")
local json = require("rapidjson")
local lfs = require("libs/libkoreader-lfs")
local time = require("ui/time")

local books = arg[1]
local report = assert(io.open(arg[2], "wb"))

local function tell(step, fields)
    fields.step = step
    report:write(json.encode(fields), "\n")
    report:flush()
end

local function run(seconds)
    local till = time.monotonic() + time.s(seconds)
    while time.monotonic() < till do UIManager:handleInput() end
end

local function broadcast(...) UIManager:broadcastEvent(Event:new(...)) end

--- Runs until a window with this text or title is shown.
local function await(text)
    for _ = 1, 60 do
        for _, window in ipairs(UIManager._window_stack) do
            local widget = window.widget
            if widget.text == text or widget.title == text then return widget end
        end
        run(0.2)
    end
    error("never shown: " .. text)
end

local function find(items, text)
    for _, item in ipairs(items) do
        if (item.text_func and item.text_func() or item.text) == text then return item end
    end
    error("no entry " .. text)
end

--- Opens KOReader's menu at our entry, as a person's taps would.
local function openMenu(ui)
    ui.menu:onShowMenu()
    local menu = ui.menu.menu_container[1]
    for tab, items in ipairs(menu.tab_item_table) do
        if pcall(find, items, "BookLore Sync") then menu:switchMenuTab(tab) end
    end
    menu:onMenuSelect(find(menu.item_table, "BookLore Sync"))
    UIManager:forceRePaint()
    return menu
end

local function shownIn(menu)
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

local function tap(dialog, text)
    assert(button(dialog, text), "no button " .. text):onTapSelectButton()
    UIManager:forceRePaint()
end

for entry in lfs.dir("plugins") do
    local name = entry:match("^(.*)%.koplugin$")
    if name and name ~= "gestures" then G_reader_settings:readSetting("plugins_disabled", {})[name] = true end
end

local FileManager = require("apps/filemanager/filemanager")
local ReaderUI = require("apps/reader/readerui")

FileManager:showFiles(books)
UIManager:forceRePaint()
tell("file manager", { loaded = FileManager.instance.booklorebridge ~= nil })

Dispatcher:execute({ booklore_sync_pending = true })
UIManager:close(await("Synced 3 items"))
local menu = openMenu(FileManager.instance)
tell("file manager's menu", { items = shownIn(menu) })
for _, question in ipairs{ "choose", "pick", "ask", "confirm" } do
    menu:onMenuSelect(find(menu.item_table, "Ask: " .. question))
    local dialog = await("Which?")
    UIManager:forceRePaint()
    if question == "choose" then tap(dialog, "Dune Messiah") end
    if question == "pick" then tap(dialog, "Dune Messiah") end
    if question == "ask" then dialog:setInputText("Arrakis") end
    if question ~= "choose" then tap(dialog, "OK") end
    UIManager:close(await("Answered"))
end
menu:onMenuSelect(find(menu.item_table, "Enable sync"))
run(2.5)
tell("switched off", { checked = find(menu.item_table, "Enable sync").checked_func() })
menu:onMenuSelect(find(menu.item_table, "Enable sync"))
run(2.5)
menu:closeMenu()

ReaderUI:showReader(books .. "/dune.gif")
run(1.5)
local ui = ReaderUI.instance
tell("reader", { loaded = ui.booklorebridge ~= nil, again = FileManager.instance == nil })
tell("reader's menu", { items = shownIn(openMenu(ui)) })
ui.menu.menu_container[1]:closeMenu()
for page = 2, 7 do ui:handleEvent(Event:new("GotoPage", page)) end
ui.doc_settings:readSetting("summary").rating = 4
broadcast("Suspend")
broadcast("Resume")
ui:handleEvent(Event:new("GotoPage", 8))
UIManager:close(await("Welcome back"))
run(1.5)
tell("moved", { page = ui:getCurrentPage() })
Dispatcher:execute({ booklore_action_night_report = true })
UIManager:close(await("Good night"))
ui:onClose()
FileManager:showFiles(books)
run(1.5)

FileManager.instance:deleteFile(books .. "/dune.gif", true)
broadcast("NetworkConnected")
run(2.5)
tell("end", { windows = #UIManager._window_stack, plugin = FileManager.instance.booklorebridge ~= nil })
os.exit(0, false)
