--- What KOReader does in its own way, and what the shim makes of it.
local Dispatcher = require("dispatcher")
local DocSettings = require("docsettings")
local Event = require("ui/event")
local FileManager = require("apps/filemanager/filemanager")
local Geom = require("ui/geometry")
local Memory -- the shim's; there once its plugin is loaded
local Person = require("person")
local PicDocument = require("document/picdocument")
local ReaderUI = require("apps/reader/readerui")
local UIManager = require("ui/uimanager")
local lfs = require("libs/libkoreader-lfs")
local time = require("ui/time")
local util = require("util")

function PicDocument:getDocumentProps() return { title = "Dune", identifiers = "ISBN:9780441013593" } end

local function write(name, bytes)
    local file = assert(io.open(Person.books .. "/" .. name, "wb"))
    file:write(bytes)
    file:close()
    return Person.books .. "/" .. name
end

local function read(file, doWithIt)
    ReaderUI:showReader(file)
    Person.wait(0.3)
    if doWithIt then doWithIt(ReaderUI.instance) end
    ReaderUI.instance:onClose()
    FileManager:showFiles(Person.books)
    Person.wait(0.3)
end

local function kinds()
    local found = {}
    for _, window in ipairs(UIManager._window_stack) do
        table.insert(found, window.widget.toast and "toast" or window.widget.modal and "modal" or "window")
    end
    return table.concat(found, " ")
end

FileManager:showFiles(Person.books)
Person.wait(0.3)
Memory = require("booklorebridge_memory")
local dune = Person.books .. "/dune.gif"

-- Another book at the same path
read(dune, function(ui)
    Person.tell("open", { kept = ui.doc_props.identifiers or "none" })
end)
write("dune.gif", "another book under the same name")
read(dune, function(ui)
    local settings = ui.doc_settings
    Person.tell("same path", { sidecar = settings:readSetting("partial_md5_checksum"), bytes = util.partialMD5(dune) })
end)

-- Folders, with each place for sidecars
for _, location in ipairs{ "doc", "dir", "hash" } do
    G_reader_settings:saveSetting("document_metadata_folder", location)
    lfs.mkdir(Person.books .. "/" .. location)
    read(write(location .. "/read.gif", "read in " .. location))
    write(location .. "/unread.gif", "not read in " .. location)
    Person.tell(location, { sidecar = DocSettings:findSidecarFile(Person.books .. "/" .. location .. "/read.gif") })
    FileManager.instance:deleteFile(Person.books .. "/" .. location, false)
end
G_reader_settings:saveSetting("document_metadata_folder", "doc")

-- A few files at once, one of which was written over since
local one, two = write("one.gif", "the first of two"), write("two.gif", "the second of two")
read(one)
read(two)
write("two.gif", "never opened")
FileManager.instance.selected_files = { [one] = true, [two] = true }
FileManager.instance:deleteSelectedFiles()
Person.wait(0.5)

-- A message that nobody asked for, over a page
ReaderUI:showReader(dune)
Person.wait(0.5)
local ui = ReaderUI.instance
Person.broadcast("Resume")
Person.await("Welcome back")
local function shown() return ui:getCurrentPage() .. " from " .. ui.paging.visible_area.y end
local before = { windows = kinds(), place = shown() }
local where = Geom:new{ x = 550, y = 400, w = 0, h = 0 }
UIManager:sendEvent(Event:new("Gesture", { ges = "tap", pos = where, time = time.now() }))
Person.tell("tap", { before = before, windows = kinds(), place = shown() })

-- Continuous view
ui:handleEvent(Event:new("SetScrollMode", true))
ui.doc_settings:readSetting("summary").rating = 3.5
Person.broadcast("Suspend")
Person.broadcast("Resume")
for _ = 1, 6 do
    ui.paging:onGotoViewRel(1)
    Person.wait(0.1)
end
Person.tell("scrolled", { page = ui:getCurrentPage(), top = ui.paging:getTopPage() })
ui.link:addCurrentLocationToStack()
ui.paging:onGotoPage(20)
Person.wait(0.1)
Person.broadcast("Suspend")
Person.broadcast("Resume")
Person.wait(0.5)

-- Candidates, one of them from right to left
Dispatcher:execute({ booklore_test_connection = true })
Person.tell("asking", { windows = kinds() })
local list = Person.await("1 of 2: Dune")
Person.tell("candidates", { items = Person.shownIn(list), windows = kinds() })
list:onMenuSelect(list.item_table[2])
Person.dismiss("Answered")
ui:onClose()
FileManager:showFiles(Person.books)
Person.wait(1)

-- A token that counts no more
local menu = Person.openMenu(FileManager.instance)
Person.tell("paired", { items = Person.shownIn(menu) })
menu:closeMenu()
Memory:saveSetting("unpaired", true)
menu = Person.openMenu(FileManager.instance)
Person.tell("unpaired", { items = Person.shownIn(menu) })
Memory:delSetting("unpaired")
menu:closeMenu()
Person.wait(1)
Person.tell("end", { windows = kinds() })
os.exit(0, false)
