--- The core's menu, gestures and buttons for held files, kept on the device so that they are there without the core.
local Dispatcher = require("dispatcher")
local DocumentRegistry = require("document/documentregistry")
local FileManager = require("apps/filemanager/filemanager")
local Memory = require("booklorebridge_memory")
local Screen = require("booklorebridge_screen")
local Spool = require("booklorebridge_spool")
local Stretch = require("booklorebridge_snapshot")
local UIManager = require("ui/uimanager")
local guarded = require("booklorebridge_guard")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local Menu = { answered = false } -- whether the core answered when it was last asked
local tree, shown
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
    Dispatcher:registerAction("booklore_" .. id, action)
end

local function entries(nodes)
    local list = {}
    for i, node in ipairs(nodes or {}) do
        local item = items[node.id or node] or { keep_menu_open = true }
        items[node.id or node], list[i] = item, item
        item.text, item.enabled, item.checked = tostring(node.text), node.enabled, node.checked
        item.checked_func = node.checked ~= nil and function() return item.checked end or nil
        item.help_text, item.radio, item.sub_item_table = node.help, node.radio, node.items and entries(node.items)
        item.callback = node.action and guarded(function(menu)
            shown = menu
            Screen.act(node.action, node.args)
        end)
    end
    return list
end

--- Takes over a menu, and shows it where it is open.
function Menu.take(text)
    Memory:saveSetting("menu", text)
    tree = rapidjson.decode(text) or {}
    for _i, one in ipairs(tree.actions or {}) do
        if not Menu.GESTURES[one.id] then register("action_" .. one.id, "BookloreAction", one.title, one.id) end
    end
    entries(tree.items)
    if shown and UIManager:isWidgetShown(shown.show_parent) then shown:updateItems() end
end

-- Of a held file: a button for each thing that the core offers for a book.
local function rowFor(file, shownList)
    if not DocumentRegistry:hasProvider(file) then return end
    local buttons = {}
    for i, node in ipairs(tree.long_press or {}) do
        buttons[i] = { text = tostring(node.text), enabled = node.enabled, callback = guarded(function()
            UIManager:close(shownList().file_dialog)
            Screen.act(node.action, node.args, Stretch.describe(file))
        end) }
    end
    return buttons[1] and buttons
end

--- Adds a row to the dialogs of held files. KOReader may keep its first function for ever, so that knows no window.
Menu.offer = guarded(function(ui)
    for _i, lists in pairs{ ui.file_chooser and ui, ui.history, ui.collections, ui.filesearcher } do
        local shownList = lists.getMenuInstance
        local row = guarded(function(file, is_file) return is_file and rowFor(file, shownList) or nil end)
        FileManager.addFileDialogButtons(lists, "booklorebridge", row)
    end
end)

local function pair()
    local core = { kind = "ask", text = _("Address of the core"), default = Memory:readSetting("url") or "http://" }
    local function done(err) Screen.tell(err, _("Paired with the core.")) end
    Screen.ask(core, function(url)
        Screen.ask({ kind = "ask", text = _("Code from: booklore bridge pair") }, function(code)
            if url and code then Screen.send{ url = url, code = code, done = done } end
        end)
    end)
end

--- The entries below "BookLore Sync": the core's, and what one needs without the core.
Menu.build = guarded(function()
    local list = entries(tree.items)
    if Menu.answered and Memory:has("token") then return list end
    table.insert(list, 1, { text = Screen.waiting(), enabled = false })
    if Spool.error then table.insert(list, 2, { text = Spool.error, enabled = false }) end
    table.insert(list, { text = _("Pair with core…"), keep_menu_open = true, callback = guarded(pair) })
    return list
end)

for _name, gesture in pairs(Menu.GESTURES) do register(unpack(gesture)) end
Menu.take(Memory:readSetting("menu") or "{}")
return Menu
