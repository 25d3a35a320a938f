--- The core's menu and gestures, kept on the device so that they are there without the core.
local Dispatcher = require("dispatcher")
local Memory = require("booklorebridge_memory")
local Screen = require("booklorebridge_screen")
local Spool = require("booklorebridge_spool")
local UIManager = require("ui/uimanager")
local guarded = require("booklorebridge_guard")
local rapidjson = require("rapidjson")
local _ = require("gettext")

local Menu = { answered = false } -- whether the core answered when it was last asked
local tree, nodes, shown

--- What gestures and profiles can always reach: Dispatcher id, event, what the core calls it, title.
Menu.GESTURES = {
    { "booklore_sync_pending", "SyncBooklorePending", "sync_pending", _("BookLore: sync what is pending") },
    { "booklore_toggle_sync", "ToggleBookloreSync", "toggle_sync", _("BookLore: sync on or off") },
    { "booklore_toggle_manual_sync_only", "ToggleBookloreManualSyncOnly", "toggle_manual_only",
        _("BookLore: manual sync only on or off") },
    { "booklore_test_connection", "TestBookloreConnection", "test_connection", _("BookLore: test connection") },
}

local function index(items)
    for _i, node in ipairs(items or {}) do
        nodes[node.id or node] = node
        index(node.items)
    end
end

local function load()
    local found = rapidjson.decode(Memory:readSetting("menu") or "")
    tree, nodes = type(found) == "table" and found or {}, {}
    index(tree.items)
end

function Menu.version() return tree.version end

--- Registers these and what the core's plugins add; the first registration of an id stays, so this may come often.
function Menu.registerActions()
    local own = {}
    local function register(id, event, title, arg)
        Dispatcher:registerAction(id, { category = "none", event = event, title = title, arg = arg, general = true })
    end
    for _i, gesture in ipairs(Menu.GESTURES) do
        register(gesture[1], gesture[2], gesture[4])
        own[gesture[3]] = true
    end
    for _i, one in ipairs(tree.actions or {}) do
        if not own[one.id] then register("booklore_action_" .. one.id, "BookloreAction", one.title, one.id) end
    end
end

--- Takes over a new menu, and shows it where it is open.
function Menu.take(text)
    Memory:saveSetting("menu", text):flush()
    load()
    Menu.registerActions()
    if shown and UIManager:isWidgetShown(shown.show_parent) then shown:updateItems() end
end

local function pair()
    local url = { kind = "ask", text = _("Address of the core"), default = Memory:readSetting("url") or "http://" }
    Screen.ask(url, function(address)
        Screen.ask({ kind = "ask", text = _("Code from: booklore bridge pair") }, function(code)
            if not (address and code) then return end
            Screen.send{ url = address, code = code, done = function(err)
                Screen.toast(err or _("Paired with the core."))
            end }
        end)
    end)
end

local entries

local function entry(node)
    local function now() return nodes[node.id] or node end
    return {
        text_func = function() return tostring(now().text) end,
        enabled_func = function() return now().enabled ~= false end,
        checked_func = node.checked ~= nil and function() return now().checked == true end or nil,
        help_text = node.help, radio = node.radio, keep_menu_open = true,
        sub_item_table_func = node.items and guarded(function() return entries(now().items) end),
        callback = node.action and guarded(function(menu)
            shown = menu
            Screen.act(node.action, node.args)
        end),
    }
end

function entries(items)
    local list = {}
    for i, node in ipairs(items or {}) do list[i] = entry(node) end
    return list
end

--- The entries below "BookLore Sync": the core's, and what one needs when it is out of reach.
Menu.build = guarded(function()
    local items = entries(tree.items)
    if Menu.answered and Memory:has("token") then return items end
    table.insert(items, 1, { text = Screen.waiting(), enabled = false })
    if Spool.error then table.insert(items, 2, { text = Spool.error, enabled = false }) end
    table.insert(items, { text = _("Pair with core…"), keep_menu_open = true, callback = guarded(pair) })
    return items
end)

load()
return Menu
