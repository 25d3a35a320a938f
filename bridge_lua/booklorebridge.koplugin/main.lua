--- Watches what happens in KOReader and writes it down. What follows from it is decided by the core.
local Core = require("booklorebridge_core")
local Deletes = require("booklorebridge_deletes")
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

local function record(event, fields, durable)
    if Memory.get().enabled ~= false then Spool.record(event, fields, durable) end
end

function BookloreBridge:init()
    Screen.plugin = self
    Core.configure(self.path)
    Memory.reserve(250)
    Deletes.install(function(book) record("delete", { book = book }, true) end)
    self:onDispatcherRegisterActions()
    self.ui.menu:registerToMainMenu(self)
    if not self.document then Deletes.reconcile() end
end

function BookloreBridge:onDispatcherRegisterActions()
    Menu.registerActions()
end

-- Here and not in init: only handlers that the class has when it is loaded are protected by KOReader.
for _i, action in ipairs(Menu.ACTIONS) do
    BookloreBridge["on" .. action.event] = function()
        Handoff.act(action.name)
        return true
    end
end

function BookloreBridge:onBookloreAction(name)
    Handoff.act(name)
    return true
end

--- The text is static and the hint one that both of KOReader's menu orders have: its menu builder needs that.
function BookloreBridge:addToMainMenu(items)
    items.booklore_bridge = { text = _("BookLore Sync"), sorting_hint = "tools", sub_item_table_func = Menu.build }
end

function BookloreBridge:begin(event)
    if Memory.get().enabled == false then return end
    self.book = Snapshot.book(self.ui)
    self.stretch = Stretch.begin(self.ui:getCurrentPage(), self.book.pages)
    Deletes.know(self.book)
    record(event, { book = self.book, reading = Snapshot.reading(self.ui, self.stretch) })
end

function BookloreBridge:finish(reason)
    local stretch = self.stretch
    if not stretch then return end
    self.stretch = nil
    local reading = Snapshot.reading(self.ui, stretch, stretch:take(true))
    local annotations = Snapshot.annotations(self.ui)
    record("book_close", { reason = reason, book = self.book, reading = reading, annotations = annotations }, true)
end

--- Sync was switched on or off, perhaps with a book open: the stretch begins or ends here.
function BookloreBridge:switched(on)
    if not on then self:finish("close") elseif self.ui.document then self:begin("book_open") end
end

function BookloreBridge:onReaderReady()
    self:begin("book_open")
    Handoff.soon()
end

function BookloreBridge:turn(page)
    local stretch = self.stretch -- none before ReaderReady: those updates are no page turns
    if not stretch or not stretch:show(page, Snapshot.pages(self.ui)) then return end
    record("page_turns", { book = self.book, reading = Snapshot.reading(self.ui, stretch, stretch:take()) })
    Handoff.soon(10)
end

function BookloreBridge:onPageUpdate(page)
    self:turn(page)
end

function BookloreBridge:onPosUpdate(_pos, page)
    self:turn(page)
end

function BookloreBridge:onDocumentRerendered()
    if self.stretch then self.stretch:rerendered(Snapshot.pages(self.ui)) end
end

--- Moves the reader where the core says, without counting a page turn. An unknown xpointer would lead to page 1.
function BookloreBridge:jump(position, percent)
    local ui, pages = self.ui, Snapshot.pages(self.ui)
    if not ui.document or not self.stretch then return end
    local page = ui.paging and tonumber(position) or (percent and math.floor(percent * pages + 0.5))
    ui.link:addCurrentLocationToStack()
    self.stretch:jump(function()
        if ui.rolling and position and ui.document:isXPointerInDocument(position) then
            ui.rolling:onGotoXPointer(position, position)
        elseif page then
            (ui.rolling or ui.paging):onGotoPage(math.max(1, math.min(page, pages)))
        end
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
    if self.ui.document then self:begin("resume") else record("resume") end
    Handoff.soon()
end

function BookloreBridge:onNetworkConnected()
    record("network_connected")
    Deletes.reconcile()
    Handoff.soon()
end

for _i, event in ipairs{ "Exit", "Restart", "PowerOff", "Reboot" } do
    BookloreBridge["on" .. event] = function() leaving = true end
end

function BookloreBridge:onCloseWidget()
    if Screen.plugin == self then Screen.plugin = nil end
end

return BookloreBridge
