--- Places that the core sends, in a book that flows.
local Event = require("ui/event")
local FileManager = require("apps/filemanager/filemanager")
local Person = require("person")
local ReaderUI = require("apps/reader/readerui")
local UIManager = require("ui/uimanager")
local time = require("ui/time")

G_reader_settings:readSetting("plugins_disabled").kosync = nil
FileManager:showFiles(Person.books)
Person.wait(0.5)

local began = time.monotonic()
ReaderUI:showReader(Person.books .. "/emma.epub")
local prompt = Person.await("Jump to 67 %?")
local ui = ReaderUI.instance
Person.tell("asked", { seconds = time.to_s(time.monotonic() - began), page = ui:getCurrentPage() })
Person.tap(prompt, "Jump")
Person.tell("jumped", { page = ui:getCurrentPage(), position = ui.rolling:getLastProgress() })
Person.wait(1)

-- A place that this file does not have
Person.broadcast("Suspend")
Person.broadcast("Resume")
Person.dismiss("That place does not exist in this copy of the book: went to 50 %.")
Person.tell("elsewhere", { page = ui:getCurrentPage(), position = ui.rolling:getLastProgress() })
ui:handleEvent(Event:new("GotoViewRel", 1))

-- A place that does not exist and no percent; and a question about a page that was left
Person.broadcast("NetworkConnected")
Person.wait(1.5)
Person.tell("stayed", { page = ui:getCurrentPage(), windows = #UIManager._window_stack })
ui.link:onGoBackLink()
Person.tell("back", { page = ui:getCurrentPage() })
ui:onClose()
FileManager:showFiles(Person.books)
Person.wait(2.5)
Person.tell("end", {})
os.exit(0, false)
