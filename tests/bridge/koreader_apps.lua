--- Dispatcher, plugin loader, file manager and reader.
local host, ko = ...
local class, provide, LuaSettings = ko.class, ko.provide, require("luasettings")
local DocSettings, ReadHistory = require("docsettings"), require("readhistory")

provide("dispatcher", { registerAction = function(_, id, spec)
    if not ko.actions[id] then ko.actions[id] = spec end
    return true
end })

--- What a gesture does: an action that is not registered is skipped without a word.
function ko.gesture(id)
    local spec = ko.actions[id]
    if spec then return ko.plugin:handleEvent(spec.event, spec.arg) end
end

-- PluginLoader, FileManager, ReaderUI

--- Loads the plugin once per process; handlers the class has by then are protected, nothing else is.
function ko.load(folder)
    package.path = folder .. "/?.lua;" .. package.path
    local class_ = dofile(folder .. "/main.lua")
    for key, value in pairs(dofile(folder .. "/_meta.lua")) do class_[key] = value end
    class_.path, class_.name = folder, "booklorebridge"
    for key, value in pairs(class_) do
        if key:sub(1, 2) == "on" and type(value) == "function" then
            class_[key] = function(...)
                local ok, result = pcall(value, ...)
                if ok then return result end
                table.insert(ko.log, "handler " .. key .. ": " .. tostring(result))
                return false
            end
        end
    end
    ko.class = class_
end

-- The lists of files. Each module object keeps rows of its own, in a list that is the class's if that has one.
local FileManager = class()
local LISTS = { history = class(), collections = class(), filesearcher = class() }
ko.lists = { filemanager = FileManager, history = LISTS.history, collections = LISTS.collections }
ko.lists.filesearcher = LISTS.filesearcher

function FileManager:addFileDialogButtons(id, row)
    self.rows = self.rows or { index = {} }
    if self.rows.index[id] then return end
    table.insert(self.rows, row)
    self.rows.index[id] = #self.rows
end
function FileManager.getMenuInstance() return ko.ui.file_chooser end

-- Deleting and moving: no event is sent. A folder's files, sidecars beside them too, are gone before anything is told.
function FileManager:deleteFile(file, is_file)
    if is_file then
        os.remove(file)
        DocSettings.updateLocation(file)
        ReadHistory:fileDeleted(file)
    else
        host.purge(file)
        DocSettings.purged(file)
        ReadHistory:folderDeleted(file)
    end
    return true
end
function FileManager:deleteSelectedFiles()
    for file in pairs(self.selected_files) do
        os.remove(file)
        DocSettings.updateLocation(file)
    end
    self.selected_files = {}
end
for name, List in pairs(LISTS) do
    function List.getMenuInstance() return ko.ui[name].booklist_menu end
end
provide("apps/filemanager/filemanager", FileManager)
provide("document/documentregistry", { hasProvider = function(_, file)
    return file:find("%.epub$") ~= nil or file:find("%.pdf$") ~= nil
end })

--- Holds a file in a list: the dialog with the rows that were added.
function ko.hold(place, file, is_file)
    local list = place == "filemanager" and ko.ui or ko.ui[place]
    local dialog = { kind = "filedialog", buttons = {} }
    for _, row_func in ipairs(list.rows or {}) do
        local row = row_func(file, is_file, nil)
        if row ~= nil then table.insert(dialog.buttons, row) end
    end
    list.getMenuInstance().file_dialog = dialog
    require("ui/uimanager"):show(dialog)
    return dialog
end

--- The window with its lists; the plugin comes after them, and another plugin may come after it.
local function instance(fields)
    local ui, after = fields.ui, {}
    ui.menu = { registerToMainMenu = function(_, plugin) ko.menu_owner = plugin end }
    ui.registerPostInitCallback = function(_, callback) table.insert(after, callback) end
    for name, List in pairs(LISTS) do ui[name] = List:new{ booklist_menu = {} } end
    ko.plugin = ko.class:new(fields)
    ko.ui = ui
    if ko.other_plugin then ko.other_plugin(ui) end
    for _, callback in ipairs(after) do callback() end
end

function ko.file_manager()
    instance{ ui = FileManager:new{ file_chooser = {} } }
end

--- A reader for a book: `book` is what the modules would answer, changed by the test as it goes on.
function ko.reader(book)
    local settings, props = LuaSettings:new{ data = book.settings }, {}
    for key, value in pairs(book.settings.doc_props or {}) do
        if key ~= "identifiers" then props[key] = value end
    end
    local engine = {
        getLastPercent = function() return book.percent end,
        getLastProgress = function() return book.progress end,
        onGotoXPointer = function(_, xpointer) ko.move(book, book.xpointers[xpointer] or 1, xpointer) end,
        onGotoPage = function(_, page) (book.scroll and ko.leap or ko.move)(book, page, ("/body/p[%d].0"):format(page)) end,
    }
    local document = { file = book.file }
    function document:getPageCount() return book.pages end
    function document:getCurrentPage() return book.page end
    function document:getNextPage(page) return page < book.pages and page + 1 or 0 end
    function document:getPrevPage(page) return page - 1 end
    function document:isXPointerInDocument(xpointer) return book.xpointers[xpointer] ~= nil end
    local link = { location_stack = {}, forward_location_stack = {} }
    function link:addCurrentLocationToStack() table.insert(self.location_stack, { page = book.page }) end
    local ui = {
        document = document, doc_settings = settings, doc_props = props, link = link,
        rolling = not book.paged and engine or nil, paging = book.paged and engine or nil,
        annotation = { annotations = book.annotations }, view = { page_scroll = book.scroll },
        kosync = book.kosync, -- each plugin by its name, with its settings as they are now; none that is off
    }
    function ui:getCurrentPage() return book.page end
    ko.book = book
    ReadHistory:addItem(book.file)
    instance{ ui = ui, document = document }
end

-- The page is the new one when its event comes. So is the position of a page that fills the screen; an xpointer is
-- that of the page before.
local function show(book, page, mode)
    book.page, book.percent = page, page / book.pages
    if book.paged and not book.scroll then book.progress = page end
    ko.plugin:handleEvent("PageUpdate", page, mode)
end

--- Shows a page; the loop goes round once.
function ko.move(book, page, progress)
    show(book, page)
    if not book.paged then book.progress = progress or book.progress end
    ko.tick()
end

--- Scrolls a continuous view until so many pages more have come up from below: the top one is the position.
function ko.scroll(book, pages)
    for page = book.page + 1, book.page + pages do show(book, page, "scrolling") end
    book.progress = book.page
    ko.tick()
end

--- Goes somewhere else in a continuous view: it is filled with the pages that follow, and then told of.
function ko.leap(book, page)
    show(book, math.min(page + 1, book.pages), "scrolling")
    show(book, page, "scrolling")
    show(book, page)
    book.progress = page
    ko.tick()
end

--- Follows a link, or goes to a bookmark or chapter.
function ko.follow(book, page)
    ko.ui.link:addCurrentLocationToStack()
    local engine = ko.ui.rolling or ko.ui.paging
    engine:onGotoPage(page)
end

--- The sidecar becomes current only after all SaveSettings handlers, with the document closed already.
function ko.flushed()
    local data = {}
    for key, value in pairs(ko.book.settings) do data[key] = value end
    data.doc_pages, data.percent_finished, data.annotations = ko.book.pages, ko.book.percent, ko.book.annotations
    data[ko.book.paged and "last_page" or "last_xpointer"] = ko.book.progress
    DocSettings.keep(ko.book.file, data)
end
