--- The API points of KOReader that the shim uses, behaving as the real ones do. `host` is the Python side.
local host = ...
local ko = { tasks = {}, shown = {}, standby = 0, fsyncs = 0, opened = {}, pipes = {}, actions = {}, log = {} }

local function class(methods)
    local proto = methods or {}
    proto.__index = proto
    function proto:extend(o)
        o = setmetatable(o or {}, self)
        self.__index = self
        return o
    end
    function proto:new(o)
        o = self:extend(o)
        if o.init then o:init() end
        return o
    end
    return proto
end

local function provide(name, module)
    package.preload[name] = function() return module end
end

-- Clocks, files and the disk ------------------------------------------------

local real_open, real_rename, real_remove = io.open, os.rename, os.remove
os.time = function(t) return t and error("unexpected") or host.wall() end
os.execute = function(command) table.insert(ko.log, "execute " .. command) return 0 end
os.rename = function(from, to) return real_rename(host.path(from), host.path(to)) end
os.remove = function(path) return real_remove(host.path(path)) end
io.open = function(path, mode)
    table.insert(ko.opened, { path = path, mode = mode })
    local refused = host.full() and mode ~= "rb" and path:find("booklorebridge")
    return real_open(refused and "/dev/full" or host.path(path), mode)
end

provide("logger", { warn = function(...) table.insert(ko.log, table.concat({ tostring(...) }, " ")) end })
provide("gettext", setmetatable({ ngettext = function(one, many, n) return n == 1 and one or many end }, {
    __call = function(_, text) return text end,
}))
provide("datastorage", { getSettingsDir = function() return "/settings" end })
provide("device", { model = "Kobo_nova" })
provide("version", { getCurrentRevision = function() return "v2026.08" end })
provide("libs/libkoreader-lfs", { attributes = function(path, name)
    return host.attribute(path, name)
end })
provide("util", {
    fixUtf8 = function(text, replacement) return host.fix_utf8(text, replacement) end,
    partialMD5 = function(path) return host.partial_md5(path) end,
    splitToArray = function(text, separator)
        local parts = {}
        for part in text:gmatch("[^" .. separator .. "]+") do table.insert(parts, part) end
        return parts
    end,
    readFromFile = function(path, mode)
        local file, err = io.open(path, mode)
        if not file then return nil, err end
        local text = file:read("*a")
        file:close()
        return text
    end,
})
provide("ui/time", { monotonic = function() return host.mono() * 1e6 end, to_s = function(t) return t / 1e6 end })

-- Like the real one it tells a list from an object by a mark, else by a first element, and leaves out keys that are no
-- text; what is no JSON value is an error.
local null = newproxy()
local ARRAY, OBJECT = { __jsontype = "array" }, { __jsontype = "object" }
local function kind_of(value)
    local mark = (getmetatable(value) or {}).__jsontype
    return mark or #value > 0 and "array" or "object"
end
provide("rapidjson", {
    null = null,
    array = function(t) return setmetatable(t or {}, ARRAY) end,
    object = function(t) return setmetatable(t or {}, OBJECT) end,
    decode = function(text) return host.json_decode(text, null, ARRAY, OBJECT) end,
    load = function(path) return host.json_decode(assert(io.open(path, "rb")):read("*a"), null, ARRAY, OBJECT) end,
    encode = function(value) return host.json_encode(value, kind_of) end,
})

-- LuaSettings: written in place, and read from the file's backup when it cannot be read.
local function spell(value)
    if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
    local parts = {}
    for key, item in pairs(value) do table.insert(parts, ("[%s] = %s"):format(spell(key), spell(item))) end
    return "{ " .. table.concat(parts, ", ") .. " }"
end

local LuaSettings = class()
function LuaSettings:open(path)
    local file = io.open(path, "rb")
    local ok, data = pcall(loadstring(file and file:read("*a") or "") or error)
    if file then file:close() end
    return self:new{ file = path, data = ok and data or {} }
end
function LuaSettings:readSetting(key) return self.data[key] end
function LuaSettings:saveSetting(key, value) self.data[key] = value return self end
function LuaSettings:delSetting(key) self.data[key] = nil return self end
function LuaSettings:has(key) return self.data[key] ~= nil end
function LuaSettings:hasNot(key) return self.data[key] == nil end
function LuaSettings:isTrue(key) return self.data[key] == true end
function LuaSettings:isFalse(key) return self.data[key] == false end
function LuaSettings:nilOrTrue(key) return self.data[key] == nil or self.data[key] == true end
function LuaSettings:flush()
    local file = io.open(self.file, "wb")
    file:write("return " .. spell(self.data))
    file:close()
    return self
end
provide("luasettings", LuaSettings)

-- HTTP: LuaSocket's shape over a real request --------------------------------

local function http(scheme)
    return { request = function(spec)
        assert(ko.in_child, "a network call on the UI thread")
        ko.last_request = spec
        local status, text = host.request(scheme, spec.method, spec.url, spec.headers, spec.source())
        if text then spec.sink(text) end
        return status and 1 or nil, status
    end }
end
provide("socket.http", http("http"))
provide("ssl.https", http("https"))
provide("ltn12", { source = { string = function(text) return function() return text end end } })
provide("socketutil", {
    set_timeout = function() end,
    table_sink = function(t) return function(chunk) table.insert(t, chunk) return 1 end end,
})

-- Child processes: the function runs here, at once, but its answer is only read later ----------

provide("ffi/util", {
    runInSubProcess = function(func)
        if host.fork_fails() then return false, "fork failed" end
        local id = #ko.pipes + 1
        ko.pipes[id] = { text = "" }
        ko.in_child = true
        pcall(func, id, id)
        ko.in_child = false
        return id, id
    end,
    writeToFD = function(fd, text) ko.pipes[fd].text = text end,
    isSubProcessDone = function(pid) return ko.pipes[pid].killed or not host.child_hangs() end,
    getNonBlockingReadSize = function(fd) return host.child_hangs() and 0 or #ko.pipes[fd].text end,
    readAllFromFD = function(fd)
        local pipe = ko.pipes[fd]
        assert(not pipe.closed, "read twice")
        pipe.closed = true
        return pipe.killed and "" or pipe.text
    end,
    terminateSubProcess = function(pid) ko.pipes[pid].killed = true end,
    fsyncOpenedFile = function(file)
        ko.fsyncs = ko.fsyncs + 1
        return file:flush()
    end,
    template = function(text, value) return (text:gsub("%%1", tostring(value))) end,
})

-- UIManager: nothing that is scheduled is protected ---------------------------

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

-- NetworkMgr, Dispatcher, DocSettings -----------------------------------------

local NetworkMgr = { wanted = 0 }
function NetworkMgr:isConnected() return host.connected() end
function NetworkMgr:isOnline() error("isOnline blocks on DNS") end
function NetworkMgr:runWhenConnected(callback)
    if host.connected() then return callback() end
    self.wanted, self.callback = self.wanted + 1, callback
end
function NetworkMgr:promptWifiOn(callback) self.prompted = callback end
provide("ui/network/manager", NetworkMgr)
ko.network = NetworkMgr

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

-- PluginLoader, FileManager, ReaderUI ------------------------------------------

--- Loads the plugin once per process; handlers the class has by then are protected, nothing else is.
function ko.load(folder)
    package.path = folder .. "/?.lua;" .. package.path
    local class_ = dofile(folder .. "/main.lua")
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

return ko
