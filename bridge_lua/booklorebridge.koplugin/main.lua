--- Watches what happens in KOReader and writes it down. What follows from it is decided by the core.
local Books = require("booklorebridge_books")
local Handoff = require("booklorebridge_handoff")
local Memory = require("booklorebridge_memory")
local Menu = require("booklorebridge_menu")
local Messages = require("booklorebridge_messages")
local Occasions = require("booklorebridge_occasions")
local Screen = require("booklorebridge_screen")
local Snapshot = require("booklorebridge_snapshot")
local Spool = require("booklorebridge_spool")
local UIManager = require("ui/uimanager")
local WidgetContainer = require("ui/widget/container/widgetcontainer")
local guarded = require("booklorebridge_guard")
local _ = require("gettext")
require("booklorebridge_deletes")

local BookloreBridge = WidgetContainer:extend{}
local leaving = false

function BookloreBridge:init()
    Screen.reader = self
    Handoff.configure(self.path .. "/booklorebridge.json")
    Memory:readSetting("device").shim = self.version
    Spool.reserve()
    if self.ui.document then Occasions.opening() end
    self.look = guarded(function() self:checkpoint() end)
    self.ui.menu:registerToMainMenu(self)
    -- After all plugins: a list of our own would hide what another one adds to the lists of the class.
    guarded(self.ui.registerPostInitCallback)(self.ui, function() Menu.offer(self.ui) end)
end

--- The text is static and the hint one that both of KOReader's menu orders have: its menu builder needs that.
function BookloreBridge:addToMainMenu(items)
    items.booklore_bridge = { text = _("BookLore Sync"), sorting_hint = "tools", sub_item_table_func = Menu.build }
end

-- Here and not in init: only handlers that the class has when it is loaded are protected by KOReader.
function BookloreBridge:onBookloreAction(name) return Screen.act(name) end
for name, gesture in pairs(Menu.GESTURES) do
    BookloreBridge["on" .. gesture[2]] = function() return Screen.act(name) end
end

local function note(event, fields, durable)
    Spool.record(event, fields, durable)
    Occasions.after(event, fields)
end

function BookloreBridge:begin(event)
    self.stretch = self.ui.document and Memory:nilOrTrue("enabled") and Snapshot.begin(self.ui) or nil
    note(event, self.stretch and self.stretch:snapshot() or {})
    self.book = self.stretch and self.stretch.book or self.book
    if self.stretch then Books.note(self.book) end
end

function BookloreBridge:finish(reason)
    if not self.stretch then return end
    local fields = self.stretch:snapshot(true)
    self.stretch, fields.reason = nil, reason
    note("book_close", fields, true)
end

--- Sync is switched on or off, perhaps with a book open: the stretch begins or ends here.
function BookloreBridge:switch(on)
    if not on then self:finish("close") end
    Memory:saveSetting("enabled", on):flush()
    if on and self.ui.document then self:begin("book_open") end
end

--- Moves the reader where the core says, without counting a page turn. An unknown xpointer would lead to page 1.
function BookloreBridge:jump(to)
    local ui, stretch, at = self.ui, self.stretch, to.position
    if not stretch or stretch.book.partial_md5 ~= to.book then return end
    local xpointer = ui.rolling and type(at) == "string" and ui.document:isXPointerInDocument(at)
    local page = ui.paging and tonumber(at) or math.floor((tonumber(to.percent) or 0) * stretch.pages + 0.5)
    if not xpointer and page < 1 then return end
    stretch.jumping = true
    ui.link:addCurrentLocationToStack()
    local engine = ui.rolling or ui.paging
    if xpointer then engine:onGotoXPointer(at, at) else engine:onGotoPage(math.min(page, stretch.pages)) end
    stretch.jumping = nil
end

--- After KOReader is done with a page.
function BookloreBridge:checkpoint()
    local stretch = self.stretch
    if stretch and (stretch:settle() or Occasions.wanted(stretch.turns)) then note("page_turns", stretch:snapshot()) end
end

function BookloreBridge:onPageUpdate(page, mode)
    if not self.stretch then return end -- not before ReaderReady: those updates are no page turns
    self.stretch:show(page, mode)
    UIManager:unschedule(self.look)
    UIManager:nextTick(self.look)
end

function BookloreBridge:onPosUpdate(_pos, page) self:onPageUpdate(page) end
function BookloreBridge:onDocumentRerendered() self:onPageUpdate(self.ui:getCurrentPage()) end
function BookloreBridge:onShowingReader() Occasions.opening() end
function BookloreBridge:onReaderReady()
    Occasions.opening(true)
    self:begin("book_open")
end
function BookloreBridge:onCloseDocument() self:finish(leaving and "exit" or "close") end
function BookloreBridge:onOutOfScreenSaver() Messages.wake() end

function BookloreBridge:onCloseWidget() -- what KOReader writes into a book is written by now
    if self.book and Memory:nilOrTrue("enabled") then Books.note(self.book) end
end

function BookloreBridge:onSuspend() -- where Wi-Fi is down by now, the lines go later
    Messages.sleep()
    self:finish("suspend")
end

function BookloreBridge:onResume()
    Messages.wake(true)
    self:begin("resume")
end

function BookloreBridge:onNetworkConnected() note("network_connected", {}) end

local function leave() leaving = true end
for _i, event in ipairs{ "Exit", "Restart", "PowerOff", "Reboot" } do BookloreBridge["on" .. event] = leave end

return BookloreBridge
