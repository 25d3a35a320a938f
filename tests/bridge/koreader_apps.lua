--- Dispatcher, sidecars, plugin loader, file manager and reader.
local host, ko = ...
local class, provide, LuaSettings = ko.class, ko.provide, require("luasettings")

provide("dispatcher", { registerAction = function(_, id, spec)
    if not ko.actions[id] then ko.actions[id] = spec end
    return true
end })

--- What a gesture does: an action that is not registered is skipped without a word.
function ko.gesture(id)
    local spec = ko.actions[id]
    if spec then return ko.plugin:handleEvent(spec.event, spec.arg) end
end

local DocSettings = { sidecars = {} }
function DocSettings:findSidecarFile(file) return self.sidecars[file] and file .. ".sdr" or nil end
function DocSettings.openSettingsFile(path)
    return LuaSettings:new{ data = path and DocSettings.sidecars[path:sub(1, -5)] or {} }
end
function DocSettings.updateLocation(file, new, copy)
    local data = DocSettings.sidecars[file]
    if new then DocSettings.sidecars[new] = data end
    if not copy and new ~= file then DocSettings.sidecars[file] = nil end
    ko.original_calls = (ko.original_calls or 0) + 1
end
provide("docsettings", DocSettings)
ko.doc_settings = DocSettings

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
    local settings = LuaSettings:new{ data = book.settings }
    local engine = {
        getLastPercent = function() return book.percent end,
        getLastProgress = function() return book.progress end,
        onGotoXPointer = function(_, xpointer) ko.move(book, book.xpointers[xpointer] or 1, xpointer) end,
        onGotoPage = function(_, page) ko.move(book, page, book.paged and page or nil) end,
    }
    local document = { file = book.file }
    function document:getPageCount() return book.pages end
    function document:getCurrentPage() return book.page end
    function document:isXPointerInDocument(xpointer) return book.xpointers[xpointer] ~= nil end
    local ui = {
        document = document, doc_settings = settings, doc_props = book.settings.doc_props,
        rolling = not book.paged and engine or nil, paging = book.paged and engine or nil,
        annotation = { annotations = book.annotations },
        link = { addCurrentLocationToStack = function() end },
    }
    function ui:getCurrentPage() return book.page end
    ko.book = book
    instance{ ui = ui, document = document }
end

function ko.move(book, page, progress)
    book.page, book.percent, book.progress = page, page / book.pages, progress or book.progress
    ko.plugin:handleEvent("PageUpdate", page)
end

--- The sidecar becomes current only after all SaveSettings handlers, with the document closed already.
function ko.flushed()
    local data = {}
    for key, value in pairs(ko.book.settings) do data[key] = value end
    data.doc_pages = ko.book.pages
    DocSettings.sidecars[ko.book.file] = data
end
