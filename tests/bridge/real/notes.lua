--- Highlights, notes and bookmarks, made and changed by KOReader's own modules; then a sync of the book while it is closed.
local DocSettings = require("docsettings")
local Event = require("ui/event")
local FileManager = require("apps/filemanager/filemanager")
local Person = require("person")
local ReaderUI = require("apps/reader/readerui")
local UIManager = require("ui/uimanager")
local lfs = require("libs/libkoreader-lfs")
local util = require("util")

local ui
local function place(page) return ("/body/p[%d].0"):format(page) end

local function open(file)
    ReaderUI:showReader(file)
    Person.wait(0.3)
    ui = ReaderUI.instance
end

local function close()
    ui:onClose()
    FileManager:showFiles(Person.books)
    Person.wait(0.3)
end

-- Tells the list as it is now, in a line of its own.
local function told()
    Person.broadcast("Suspend")
    Person.broadcast("Resume")
    Person.wait(0.2)
end

local function highlight(from, to, text)
    ui.highlight.selected_text = { text = text, pos0 = place(from), pos1 = place(to) }
    return ui.highlight:saveHighlight()
end

local function indexOf(isIt)
    for i, item in ipairs(ui.annotation.annotations) do if isIt(item) then return i end end
end

local function first(item) return item.drawer and item.page == place(3) end

local function writeNote(text)
    ui.highlight:editNote(indexOf(first))
    local dialog = Person.await("Edit note")
    dialog:setInputText(text)
    Person.tap(dialog, "Save")
end

-- Holds the book in the file manager, and syncs it. KOReader looks into the sidecar when it shows its dialog.
local function sync(file, meanwhile)
    local chooser = FileManager.instance.file_chooser
    chooser:showFileDialog({ path = file, is_file = true })
    UIManager:forceRePaint()
    if meanwhile then meanwhile() end
    Person.tap(chooser.file_dialog, "Sync this book")
    Person.dismiss("Synced")
end

local emma = Person.books .. "/emma.epub"
FileManager:showFiles(Person.books)
Person.broadcast("NetworkConnected")
Person.wait(1.5)

-- Made, noted, edited in place, coloured, removed
open(emma)
highlight(3, 4, "Handsome, clever, and rich")
highlight(7, 8, "Vanity working on a weak head")
ui:handleEvent(Event:new("GotoPage", 5))
ui.bookmark:onToggleBookmark()
told()
writeNote("So she is")
told()
writeNote("So she was")
told()
local item = ui.annotation.annotations[indexOf(first)]
item.color, item.drawer = "red", "underscore"
ui:handleEvent(Event:new("AnnotationsModified", { item }))
told()
ui.highlight:deleteHighlight(indexOf(first))
ui.bookmark:removeItemByIndex(indexOf(function(one) return not one.drawer end))
told()
close()

-- A highlight over two pages of a paged book, whose places are numbers; and the book opened once more
local paper = Person.books .. "/paper.gif"
util.writeToFile("paper, not a picture either", paper)
open(paper)
local boxes = { pboxes = { { x = 1, y = 2, w = 3, h = 0.7 } } }
ui.highlight.selected_text = {
    text = "over two pages", pboxes = boxes.pboxes, ext = { [2] = boxes, [3] = boxes },
    pos0 = { page = 2, x = 271 / 3, y = 20.1, zoom = 1, rotation = 0 }, pos1 = { page = 3, x = 5, y = 6, zoom = 1, rotation = 0 },
}
ui.highlight:saveHighlight()
close()
open(paper)
close()

-- Closed, with each place for sidecars; nothing of it was told before
for _, location in ipairs{ "doc", "dir", "hash" } do
    G_reader_settings:saveSetting("document_metadata_folder", location)
    local file = ("%s/%s.epub"):format(Person.books, location)
    util.writeToFile("read in " .. location, file)
    open(file)
    highlight(2, 3, location)
    ui:handleEvent(Event:new("GotoPage", 12))
    ui.doc_settings:readSetting("summary").rating = 4
    close()
    require("booklorebridge_books").forgetTold()
    sync(file)
    Person.tell(location, { sidecar = DocSettings:findSidecarFile(file) })
end
G_reader_settings:saveSetting("document_metadata_folder", "doc")

-- Tables from before 2024: what the shim makes of them, and what KOReader does when it opens the book
local settings = DocSettings:open(emma)
settings:delSetting("annotations")
settings:saveSetting("highlights_imported", true)
settings:saveSetting("bookmarks", {
    { page = place(20), notes = "in Volume Two", text = "Mine", datetime = "2023-05-04 10:00:00", chapter = "Volume Two" },
    { page = place(15), pos0 = place(15), pos1 = place(16), notes = "lost", text = "Kept", highlighted = true,
        datetime = "2023-05-03 10:00:00", chapter = "" },
    { page = place(10), pos0 = place(10), pos1 = place(11), notes = "second", highlighted = true, chapter = "Volume One",
        text = "Page 10 second @ 2023-05-02 10:00:00", datetime = "2023-05-02 10:00:00" },
    { page = place(4), pos0 = place(4), pos1 = place(5), notes = "first", text = "Yes", highlighted = true,
        datetime = "2023-05-01 10:00:00", chapter = "Volume One" },
})
settings:saveSetting("highlight", {
    [4] = { { datetime = "2023-05-01 10:00:00", drawer = "underscore", pos0 = place(4), pos1 = place(5), text = "first" } },
    [10] = { { datetime = "2023-05-02 10:00:00", drawer = "lighten", pos0 = place(10), pos1 = place(11), text = "second" } },
})
settings:flush()
sync(emma)
open(emma)
close()

-- Cut short by an empty battery
for _, text in ipairs{ "", "return { annotations = { { text" } do
    local sidecar = emma:gsub("epub$", "sdr") .. "/metadata.epub.lua"
    sync(emma, function()
        util.makePath((emma:gsub("epub$", "sdr")))
        util.writeToFile(text, sidecar)
    end)
    Person.tell("cut to " .. #text, { size = lfs.attributes(sidecar, "size") })
end
Person.wait(1.5)
Person.tell("end", { windows = #UIManager._window_stack })
os.exit(0, false)
