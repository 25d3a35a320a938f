--- The core's menu, gestures and buttons for held files, kept on the device so that they are there without the core.
local Address, Books = require("booklorebridge_address"), require("booklorebridge_books")
local Memory, Messages = require("booklorebridge_memory"), require("booklorebridge_messages")
local Screen, Spool, guarded = require("booklorebridge_screen"), require("booklorebridge_spool"), require("booklorebridge_guard")
local UIManager, rapidjson, _ = require("ui/uimanager"), require("rapidjson"), require("gettext")

local Menu = { answered = false } -- whether the core answered when it was last asked
local tree, shown = {}, nil
local top = {} -- the entries that KOReader was given last
local items = {} -- of KOReader's menus, by the node's id: a menu that is open shows what changes in them

--- What gestures and profiles can always reach: the core's name for it, KOReader's id and event, and a title.
Menu.GESTURES = {
    sync_pending = { "sync_pending", "SyncBooklorePending", _("BookLore: sync what is pending") },
    toggle_sync = { "toggle_sync", "ToggleBookloreSync", _("BookLore: sync on or off") },
    toggle_manual_only = { "toggle_manual_sync_only", "ToggleBookloreManualSyncOnly", _("BookLore: manual sync only") },
    test_connection = { "test_connection", "TestBookloreConnection", _("BookLore: test connection") },
}

-- KOReader keeps the first registration of an id, so this may come often.
local function register(id, event, title, arg)
    local action = { category = "none", event = event, title = title, arg = arg, general = true }
    require("dispatcher"):registerAction("booklore_" .. id, action)
end

local function entries(nodes, list)
    for i = #list, 1, -1 do list[i] = nil end
    for i, node in ipairs(nodes or {}) do
        local item = items[node.id or node] or { keep_menu_open = true }
        items[node.id or node], list[i] = item, item
        item.text, item.enabled, item.checked = tostring(node.text), node.enabled, node.checked
        item.checked_func = node.checked ~= nil and function() return item.checked end or nil
        item.help_text, item.radio = node.help, node.radio
        item.sub_item_table = node.items and entries(node.items, item.sub_item_table or {})
        item.callback = node.action and guarded(function(menu)
            shown = menu
            Screen.act(node.action, node.args)
        end)
    end
    return list
end

local function pair(menu, typed)
    shown = menu or shown
    local default = typed or Memory:readSetting("url") or "http://"
    Screen.ask({ kind = "ask", text = _("Address of the core"), default = default }, function(text)
        if not text then return end
        local url, why = Address.normalise(text)
        if not url then
            pair(nil, text)
            return Messages.answer(why)
        end
        Screen.ask({ kind = "ask", text = _("Code from: booklore bridge pair") }, function(code)
            local function done(err) Screen.tell(err, _("Paired with the core.")) end
            if code then Screen.send{ url = url, code = code, done = done } end
        end)
    end)
end

-- The core's entries, and what one needs without it.
local function fill()
    entries(tree.items, top)
    if Menu.answered and Memory:has("token") and not Memory:isTrue("unpaired") then return end
    table.insert(top, 1, { text = Screen.waiting(), enabled = false })
    if Spool.error then table.insert(top, 2, { text = Spool.error, enabled = false }) end
    table.insert(top, { text = _("Pair with core…"), keep_menu_open = true, callback = guarded(pair) })
end

--- Shows what has changed where the menu is open.
Screen.changed = guarded(function()
    if not shown or not UIManager:isWidgetShown(shown.show_parent) then return end
    fill()
    shown:updateItems()
end)

--- Takes over a menu, if it makes sense.
Menu.take = guarded(function(text)
    local new = rapidjson.decode(text)
    for _i, one in ipairs(new.actions or {}) do
        if not Menu.GESTURES[one.id] then register("action_" .. one.id, "BookloreAction", one.title, one.id) end
    end
    entries(new.items, {})
    tree = new
    Screen.changed()
end)

-- Of a held file: a button for each thing that the core offers for a book; for this one, where it says so.
local function rowFor(file, shownList)
    if not tree.long_press or not require("document/documentregistry"):hasProvider(file) then return end
    local book, buttons = Books.describe(file), {}
    for i, node in ipairs(tree.long_press) do
        local own = setmetatable((node.books or {})[book.partial_md5] or {}, { __index = node })
        buttons[i] = { text = tostring(own.text), enabled = own.enabled, callback = guarded(function()
            UIManager:close(shownList().file_dialog)
            Screen.act(own.action, own.args, book)
        end) }
        buttons[i].checked_func = own.checked ~= nil and function() return own.checked end or nil
    end
    return buttons[1] and buttons
end

--- Adds a row to the dialogs of held files. KOReader may keep its first function for ever, so that knows no window.
Menu.offer = guarded(function(ui)
    for _i, lists in pairs{ ui.file_chooser and ui, ui.history, ui.collections, ui.filesearcher } do
        local shownList = lists.getMenuInstance
        local row = guarded(function(file, is_file) return is_file and rowFor(file, shownList) or nil end)
        require("apps/filemanager/filemanager").addFileDialogButtons(lists, "booklorebridge", row)
    end
end)

--- The entries below "BookLore Sync".
Menu.build = guarded(function()
    top = {}
    fill()
    return top
end)

for _name, gesture in pairs(Menu.GESTURES) do register(unpack(gesture)) end
Menu.take(Memory:readSetting("menu") or "{}")
return Menu
