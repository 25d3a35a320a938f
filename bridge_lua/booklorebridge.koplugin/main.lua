--- Watches what happens in KOReader and writes it down. What follows from it is decided by the core.
local Books, Handoff = require("booklorebridge_books"), require("booklorebridge_handoff")
local Memory, Menu = require("booklorebridge_memory"), require("booklorebridge_menu")
local Messages, Occasions = require("booklorebridge_messages"), require("booklorebridge_occasions")
local Screen, Snapshot = require("booklorebridge_screen"), require("booklorebridge_snapshot")
local UIManager, guarded = require("ui/uimanager"), require("booklorebridge_guard")
require("booklorebridge_deletes")

local BookloreBridge = require("ui/widget/container/widgetcontainer"):extend{}
local leaving = false

function BookloreBridge:init()
    Screen.reader = self
    Handoff.configure(self.path .. "/booklorebridge.json")
    Memory:readSetting("device").shim = self.version
    if self.ui.document then Occasions.opening() end
    self.look = guarded(function() self:checkpoint() end)
    self.ui.menu:registerToMainMenu(self)
    -- After all plugins: a list of our own would hide what another one adds to the lists of the class.
    guarded(self.ui.registerPostInitCallback)(self.ui, function() Menu.offer(self.ui) end)
end

--- The text is static and the hint one that both of KOReader's menu orders have: its menu builder needs that.
function BookloreBridge:addToMainMenu(items)
    items.booklore_bridge = { text = "BookLore Sync", sorting_hint = "tools", sub_item_table_func = Menu.build }
end

-- Here and not in init: only handlers that the class has when it is loaded are protected by KOReader.
function BookloreBridge:onBookloreAction(name) return Screen.act(name) end
for name, one in pairs(Menu.GESTURES) do BookloreBridge["on" .. one[2]] = function() return Screen.act(name) end end

function BookloreBridge:begin(event)
    self.stretch = self.ui.document and Memory:nilOrTrue("enabled") and Snapshot.begin(self.ui) or nil
    Occasions.note(event, self.stretch and self.stretch:snapshot() or {})
    self.book = self.stretch and self.stretch.book or self.book
    if self.stretch then Books.note(self.book) end
end

function BookloreBridge:finish(reason)
    if not self.stretch then return end
    local fields = self.stretch:snapshot(true)
    self.stretch, fields.reason = nil, reason
    Occasions.note("book_close", fields, true)
end

--- Sync is switched on or off, perhaps with a book open: the stretch begins or ends here.
function BookloreBridge:switch(on)
    if not on then self:finish("close") end
    Memory:saveSetting("enabled", on):flush()
    if on and self.ui.document then self:begin("book_open") end
end

--- Whether a book is open, and its reader on that page where one is told.
function BookloreBridge:isAt(effect)
    local page, isOpen = tonumber(effect.page), self.stretch and self.stretch.book.partial_md5 == effect.book
    return isOpen and (not page or page == self.ui:getCurrentPage())
end

--- Moves the reader where the core says. A place that does not exist in this file would lead to page 1, and that would be
-- the book's position from then on: the percent counts instead. Returns it, of 100, if that was so.
function BookloreBridge:jump(to)
    if not self:isAt(to) then return end
    local ui, at, percent, pages = self.ui, to.position, tonumber(to.percent) or 0, self.stretch.pages
    local isXPointer = ui.rolling and type(at) == "string" and ui.document:isXPointerInDocument(at)
    local page = ui.paging and tonumber(at) or 0
    local exists = isXPointer or page >= 1 and page <= pages
    if not exists and percent <= 0 then return end
    ui.link:addCurrentLocationToStack() -- for the way back; what comes next is no page turn
    if not exists then page = math.max(1, math.floor(percent * pages + 0.5)) end
    if isXPointer then ui.rolling:onGotoXPointer(at, at) else (ui.rolling or ui.paging):onGotoPage(page) end
    return not exists and type(at) == "string" and math.floor(percent * 100 + 0.5)
end

--- After KOReader is done with a page.
function BookloreBridge:checkpoint()
    local stretch = self.stretch
    local isDue = stretch and (stretch:settle() or Occasions.wanted(stretch.turns))
    if isDue then Occasions.note("page_turns", stretch:snapshot()) end
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
    UIManager:nextTick(guarded(Occasions.opening), true) -- that is after the first paint
    self:begin("book_open")
end
function BookloreBridge:onCloseDocument() self:finish(leaving and "exit" or "close") end
function BookloreBridge:onOutOfScreenSaver() Messages.wake() end

-- What KOReader writes into a book is written by now.
function BookloreBridge:onCloseWidget() if self.book and Memory:nilOrTrue("enabled") then Books.note(self.book) end end

function BookloreBridge:onSuspend() -- where Wi-Fi is down by now, the lines go later
    Messages.sleep()
    self:finish("suspend")
end

function BookloreBridge:onResume()
    Messages.wake(true)
    self:begin("resume")
end

function BookloreBridge:onNetworkConnected() Occasions.note("network_connected", {}) end

local function leave() leaving = true end
for _i, event in ipairs{ "Exit", "Restart", "PowerOff", "Reboot" } do BookloreBridge["on" .. event] = leave end

return BookloreBridge
