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
    return LuaSettings:new{ data = DocSettings.sidecars[path:sub(1, -5)] or {} }
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

local function instance(fields)
    fields.ui.menu = { registerToMainMenu = function(_, plugin) ko.menu_owner = plugin end }
    ko.plugin = ko.class:new(fields)
    ko.ui = fields.ui
end

function ko.file_manager()
    instance{ ui = {} }
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
