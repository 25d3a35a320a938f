--- Watches what happens in KOReader and writes it down. What follows from it is decided by the core.
require("booklorebridge_deletes")
local Handoff = require("booklorebridge_handoff")
local Memory = require("booklorebridge_memory")
local Menu = require("booklorebridge_menu")
local Screen = require("booklorebridge_screen")
local Snapshot = require("booklorebridge_snapshot")
local Spool = require("booklorebridge_spool")
local WidgetContainer = require("ui/widget/container/widgetcontainer")
local _ = require("gettext")

local BookloreBridge = WidgetContainer:extend{}
local leaving = false

function BookloreBridge:init()
    Screen.reader = self
    Handoff.configure(self.path .. "/booklorebridge.json")
    Spool.reserve()
    self.ui.menu:registerToMainMenu(self)
end

--- The text is static and the hint one that both of KOReader's menu orders have: its menu builder needs that.
function BookloreBridge:addToMainMenu(items)
    items.booklore_bridge = { text = _("BookLore Sync"), sorting_hint = "tools", sub_item_table_func = Menu.build }
end

function BookloreBridge:onBookloreAction(name)
    Screen.act(name)
    return true
end

-- Here and not in init: only handlers that the class has when it is loaded are protected by KOReader.
for name, gesture in pairs(Menu.GESTURES) do
    BookloreBridge["on" .. gesture[2]] = function(self) return self:onBookloreAction(name) end
end

function BookloreBridge:begin(event)
    self.stretch = self.ui.document and Snapshot.begin(self.ui)
    Spool.record(event, self.stretch and self.stretch:snapshot() or {})
    Handoff.soon()
end

function BookloreBridge:finish(reason)
    if not self.stretch then return end
    local fields = self.stretch:snapshot(true)
    self.stretch, fields.reason = nil, reason
    Spool.record("book_close", fields, true)
end

--- Sync is switched on or off, perhaps with a book open: the stretch begins or ends here.
function BookloreBridge:switch(on)
    if not on then self:finish("close") end
    Memory:saveSetting("enabled", on):flush()
    if on and self.ui.document then self:begin("book_open") end
end

--- Moves the reader where the core says, without counting a page turn. An unknown xpointer would lead to page 1.
function BookloreBridge:jump(to)
    local ui, stretch = self.ui, self.stretch
    if not stretch or stretch.book.partial_md5 ~= to.book then return end
    local xpointer = ui.rolling and type(to.position) == "string" and ui.document:isXPointerInDocument(to.position)
    local page = ui.paging and tonumber(to.position) or math.floor((tonumber(to.percent) or 0) * stretch.pages + 0.5)
    if not xpointer and page < 1 then return end
    stretch.jumping = true
    ui.link:addCurrentLocationToStack()
    if xpointer then return ui.rolling:onGotoXPointer(to.position, to.position) end
    (ui.rolling or ui.paging):onGotoPage(math.min(page, stretch.pages))
end

function BookloreBridge:onPageUpdate(page)
    if not (self.stretch and self.stretch:show(page)) then return end -- before ReaderReady none is a page turn
    Spool.record("page_turns", self.stretch:snapshot())
    Handoff.soon(10)
end

function BookloreBridge:onPosUpdate(_pos, page) self:onPageUpdate(page) end
function BookloreBridge:onDocumentRerendered() self:onPageUpdate(self.ui:getCurrentPage()) end

function BookloreBridge:onCloseDocument()
    self:finish(leaving and "exit" or "close")
    if not leaving then Handoff.soon() end
end

function BookloreBridge:onReaderReady() self:begin("book_open") end
function BookloreBridge:onResume() self:begin("resume") end
function BookloreBridge:onSuspend() self:finish("suspend") end -- Wi-Fi is down by now: the lines go at the next chance

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
