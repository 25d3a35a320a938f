--- KOReader's own progress sync, its plugin unchanged, with the core as its server.
local Event = require("ui/event")
local FileManager = require("apps/filemanager/filemanager")
local Person = require("person")
local ReaderUI = require("apps/reader/readerui")
local UIManager = require("ui/uimanager")

if not package.searchpath("Spore", package.path) then
    package.preload["Spore"] = function() return require("spore") end
end
local server, user, password = os.getenv("KOSYNC_ACCOUNT"):match("^(%S+) (%S+) (%S+)$")
G_reader_settings:readSetting("plugins_disabled").kosync = nil
G_reader_settings:saveSetting("device_id", "0123456789ABCDEF0123456789ABCDEF")

--- Does something, and tells what KOReader then says and where the reader is.
local function try(step, doIt)
    local before = {}
    for _, window in ipairs(UIManager._window_stack) do before[window.widget] = true end
    doIt()
    local text
    for _, window in ipairs(UIManager._window_stack) do
        if not before[window.widget] then text = window.widget.text or text end
    end
    for i = #UIManager._window_stack, 1, -1 do
        local widget = UIManager._window_stack[i].widget
        if not before[widget] then UIManager:close(widget) end
    end
    Person.tell(step, { text = text or "nothing", page = ReaderUI.instance:getCurrentPage() })
end

FileManager:showFiles(Person.books)
ReaderUI:showReader(Person.books .. "/dune.gif")
Person.wait(0.3)
local ui = ReaderUI.instance
local sync = ui.kosync
sync.settings.custom_server = server

try("registering", function() sync:doRegister("eve", "secret") end)
try("a wrong password", function() sync:doLogin(user, "guess") end)
try("logging in", function() sync:doLogin(user, password) end)
try("the shim's place", function() sync:getProgress(false, true) end)
ui:handleEvent(Event:new("GotoPage", 20))
try("pushing", function() sync:updateProgress(false, true) end)
try("its own place", function() sync:getProgress(false, true) end)

local client = require("KOSyncClient"):new{ custom_url = server, service_spec = sync.path .. "/api.json" }
local digest, key = sync:getDocumentDigest(), sync.settings.userkey
client:update_progress(user, key, digest, nil, 25, 0.8333, "Boox", "boox-1", function(ok, status, body)
    Person.tell("another device", { ok = ok, status = status, document = body.document, is_own = body.document == digest })
end)
try("the other's place", function() sync:getProgress(false, true) end)
client:get_progress(user, key, "neverseen", function(ok, body)
    Person.tell("a book that nobody read", { ok = ok, is_empty = next(body) == nil })
end)
client:update_progress(user, "wrong", digest, nil, 1, 0.01, "Boox", "boox-1", function(ok, status, body)
    Person.tell("a wrong key", { ok = ok, status = status, text = body.message })
end)
ui:onClose()
os.exit(0, false)
