--- Watches what happens in KOReader and writes it down. What follows from it is decided by the core.
require("booklorebridge_deletes")
local Handoff = require("booklorebridge_handoff")
local Memory = require("booklorebridge_memory")
local Menu = require("booklorebridge_menu")
local Screen = require("booklorebridge_screen")
local Snapshot = require("booklorebridge_snapshot")
local Spool = require("booklorebridge_spool")
local Stretch = require("booklorebridge_stretch")
local WidgetContainer = require("ui/widget/container/widgetcontainer")
local _ = require("gettext")

local leaving = false

local BookloreBridge = WidgetContainer:extend{}

function BookloreBridge:init()
    Screen.reader = self
    Handoff.configure(self.path .. "/booklorebridge.json")
    Spool.reserve()
    self:onDispatcherRegisterActions()
    self.ui.menu:registerToMainMenu(self)
end

BookloreBridge.onDispatcherRegisterActions = Menu.registerActions

-- Here and not in init: only handlers that the class has when it is loaded are protected by KOReader.
for _id, gesture in pairs(Menu.GESTURES) do
    BookloreBridge["on" .. gesture[1]] = function()
        Screen.act(gesture[2])
        return true
    end
end

function BookloreBridge:onBookloreAction(name)
    Screen.act(name)
    return true
end

--- The text is static and the hint one that both of KOReader's menu orders have: its menu builder needs that.
function BookloreBridge:addToMainMenu(items)
    items.booklore_bridge = { text = _("BookLore Sync"), sorting_hint = "tools", sub_item_table_func = Menu.build }
end

function BookloreBridge:begin(event)
    self.book = Snapshot.book(self.ui)
    self.stretch = Stretch.begin(self.ui:getCurrentPage(), self.book.pages)
    Spool.record(event, { book = self.book, reading = Snapshot.reading(self.ui, self.stretch) })
end

function BookloreBridge:finish(reason)
    local stretch = self.stretch
    if not stretch then return end
    self.stretch = nil
    local reading = Snapshot.reading(self.ui, stretch, stretch:take(true))
    local annotations = Snapshot.annotations(self.ui)
    Spool.record("book_close", { reason = reason, book = self.book, reading = reading, annotations = annotations }, true)
end

--- Sync is switched on or off, perhaps with a book open: the stretch begins or ends here.
function BookloreBridge:switch(on)
    if not on then self:finish("close") end
    Memory:saveSetting("enabled", on):flush()
    if on and self.ui.document then self:begin("book_open") end
end

function BookloreBridge:onReaderReady()
    self:begin("book_open")
    Handoff.soon()
end

function BookloreBridge:onPageUpdate(page)
    local stretch = self.stretch -- none before ReaderReady: those updates are no page turns
    if not stretch or not stretch:show(page, Snapshot.pages(self.ui)) then return end
    Spool.record("page_turns", { book = self.book, reading = Snapshot.reading(self.ui, stretch, stretch:take()) })
    Handoff.soon(10)
end

function BookloreBridge:onPosUpdate(_pos, page)
    self:onPageUpdate(page)
end

function BookloreBridge:onDocumentRerendered()
    if self.stretch then self.stretch:rerendered(Snapshot.pages(self.ui)) end
end

--- Moves the reader where the core says, without counting a page turn. An unknown xpointer would lead to page 1.
function BookloreBridge:jump(to)
    local ui, stretch, pages = self.ui, self.stretch, Snapshot.pages(self.ui)
    if not ui.document or not stretch then return end
    local xpointer = ui.rolling and type(to.position) == "string" and ui.document:isXPointerInDocument(to.position)
    local page = ui.paging and tonumber(to.position) or math.floor((tonumber(to.percent) or 0) * pages + 0.5)
    ui.link:addCurrentLocationToStack()
    stretch:jump(function()
        if xpointer then return ui.rolling:onGotoXPointer(to.position, to.position) end
        if page > 0 then (ui.rolling or ui.paging):onGotoPage(math.min(page, pages)) end
    end)
end

function BookloreBridge:onCloseDocument()
    self:finish(leaving and "exit" or "close")
    if not leaving then Handoff.soon() end
end

function BookloreBridge:onSuspend()
    self:finish("suspend") -- Wi-Fi is down by now: the lines go at the next chance
end

function BookloreBridge:onResume()
    if self.ui.document then self:begin("resume") else Spool.record("resume", {}) end
    Handoff.soon()
end

function BookloreBridge:onNetworkConnected()
    Spool.record("network_connected", {})
    Handoff.soon()
end

for _i, event in ipairs{ "Exit", "Restart", "PowerOff", "Reboot" } do
    BookloreBridge["on" .. event] = function() leaving = true end
end

function BookloreBridge:onCloseWidget()
    if Screen.reader == self then Screen.reader = nil end
end

return BookloreBridge
