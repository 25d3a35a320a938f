--- A visit to every part of KOReader that the shim touches.
local Dispatcher = require("dispatcher")
local Event = require("ui/event")
local FileManager = require("apps/filemanager/filemanager")
local Person = require("person")
local ReaderUI = require("apps/reader/readerui")
local UIManager = require("ui/uimanager")

FileManager:showFiles(Person.books)
UIManager:forceRePaint()
Person.tell("file manager", { loaded = FileManager.instance.booklorebridge ~= nil })

Dispatcher:execute({ booklore_sync_pending = true })
Person.dismiss("Synced 3 items")
local menu = Person.openMenu(FileManager.instance)
Person.tell("file manager's menu", { items = Person.shownIn(menu) })
for _, question in ipairs{ "choose", "pick", "ask", "confirm" } do
    Person.choose(menu, "Ask: " .. question)
    local dialog = Person.await("Which?")
    if question == "choose" or question == "pick" then Person.tap(dialog, "Dune Messiah") end
    if question == "ask" then dialog:setInputText("Arrakis") end
    if question ~= "choose" then Person.tap(dialog, "OK") end
    Person.dismiss("Answered")
end
Person.choose(menu, "Enable sync")
Person.wait(1.5)
Person.tell("switched off", { checked = Person.find(menu, "Enable sync").checked_func() })
Person.choose(menu, "Enable sync")
Person.wait(1.5)
menu:closeMenu()

-- Holds a file in a list; which of the core's buttons its dialog has.
local function hold(list, how, item)
    list[how](list, item)
    UIManager:forceRePaint()
    return Person.buttons(list.file_dialog, { "Match book", "Enable or disable tracking" })
end

-- Holds the book, and taps a button.
local function match(place, list, how, item)
    local buttons = hold(list, how, item)
    local dialog = list.file_dialog
    Person.tap(dialog, "Match book")
    Person.dismiss("Matched")
    Person.tell("held in " .. place, { buttons = buttons, closed = not UIManager:isWidgetShown(dialog) })
end

local book, chooser = Person.books .. "/dune.gif", FileManager.instance.file_chooser
match("file manager", chooser, "showFileDialog", { path = book, is_file = true })
Person.tell("held folder", { buttons = hold(chooser, "showFileDialog", { path = Person.books, is_file = false }) })
UIManager:close(chooser.file_dialog)

ReaderUI:showReader(Person.books .. "/dune.gif")
Person.wait(1)
local ui = ReaderUI.instance
Person.tell("reader", { loaded = ui.booklorebridge ~= nil })
menu = Person.openMenu(ui)
Person.tell("reader's menu", { items = Person.shownIn(menu) })
menu:closeMenu()
for page = 2, 7 do ui:handleEvent(Event:new("GotoPage", page)) end
ui.doc_settings:readSetting("summary").rating = 4
Person.broadcast("Suspend")
Person.broadcast("Resume")
ui:handleEvent(Event:new("GotoPage", 8))
Person.dismiss("Welcome back")
Person.tell("moved", { page = ui:getCurrentPage() })
Dispatcher:execute({ booklore_action_night_report = true })
Person.dismiss("Good night")
ui:onClose()
FileManager:showFiles(Person.books)
Person.wait(1)

local history = FileManager.instance.history
history:onShowHist()
match("history", history.booklist_menu, "onMenuHold", history.booklist_menu.item_table[1])
history.booklist_menu.close_callback()

FileManager.instance:deleteFile(Person.books .. "/dune.gif", true)
Person.broadcast("NetworkConnected")
Person.wait(1.5)
Person.tell("end", { windows = #UIManager._window_stack, loaded = FileManager.instance.booklorebridge ~= nil })
os.exit(0, false)
