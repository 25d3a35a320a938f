--- The core's menu, kept on the device so that it opens without the core.
local Core = require("booklorebridge_core")
local Dispatcher = require("dispatcher")
local Json = require("booklorebridge_json")
local Memory = require("booklorebridge_memory")
local Screen = require("booklorebridge_screen")
local Spool = require("booklorebridge_spool")
local UIManager = require("ui/uimanager")
local guarded = require("booklorebridge_guard")
local _ = require("gettext")

local Menu = {} -- Handoff puts `act` in
local tree, byId, shown

--- What gestures and profiles can reach: Dispatcher id, event, what the core calls it, title.
Menu.ACTIONS = {
    { id = "booklore_sync_pending", event = "SyncBooklorePending", name = "sync_pending",
        title = _("BookLore: sync what is pending") },
    { id = "booklore_toggle_sync", event = "ToggleBookloreSync", name = "toggle_sync",
        title = _("BookLore: sync on or off") },
    { id = "booklore_toggle_manual_sync_only", event = "ToggleBookloreManualSyncOnly", name = "toggle_manual_only",
        title = _("BookLore: manual sync only on or off") },
    { id = "booklore_test_connection", event = "TestBookloreConnection", name = "test_connection",
        title = _("BookLore: test connection") },
}

local function index(nodes)
    for _i, node in ipairs(nodes or {}) do
        byId[node.id or node] = node
        index(node.items)
    end
end

local function take(answer)
    tree, byId = answer, {}
    index(tree.items)
end

local function load()
    if not tree then take(Json.decode(Memory.read(Memory.path("menu.json"))) or {}) end
    return tree
end

function Menu.version()
    return load().version
end

local function register(id, event, title, arg)
    Dispatcher:registerAction(id, { category = "none", event = event, title = title, arg = arg, general = true })
end

--- Registers these and what the core's plugins add; the first registration of an id stays, so this may come often.
function Menu.registerActions()
    for _i, action in ipairs(Menu.ACTIONS) do register(action.id, action.event, action.title) end
    for _i, action in ipairs(load().actions or {}) do
        register("booklore_action_" .. action.id, "BookloreAction", action.title, action.id)
    end
end

--- Fetches the menu, and shows it anew where it is open.
function Menu.fetch()
    Core.call("GET", "/v1/menu", nil, guarded(function(answer)
        if not (answer and answer.items) then return end
        Memory.replace(Memory.path("menu.json"), Json.encode(answer))
        take(answer)
        Menu.registerActions()
        if shown and UIManager:isWidgetShown(shown.show_parent) then shown:updateItems() end
    end))
end

local function pair()
    local dialog
    dialog = require("ui/widget/multiinputdialog"):new{
        title = _("Pair with core"),
        fields = {
            { text = Core.url() or "http://", hint = _("Address of the core") },
            { text = "", hint = _("Code from: booklore bridge pair") },
        },
        buttons = { {
            { text = _("Cancel"), id = "close", callback = guarded(function() UIManager:close(dialog) end) },
            { text = _("Pair"), is_enter_default = true, callback = guarded(function()
                local url, code = unpack(dialog:getFields())
                UIManager:close(dialog)
                Core.pair(url, code, function(ok, err)
                    Screen.toast(ok and _("Paired with the core.") or err)
                    if ok then Menu.fetch() end
                end)
            end) },
        } },
    }
    UIManager:show(dialog)
    dialog:onShowKeyboard()
end

local list

local function entry(node)
    local function now() return byId[node.id] or node end
    local item = {
        text_func = function() return tostring(now().text or "") end,
        enabled_func = function() return now().enabled ~= false end,
        help_text = node.help, radio = node.radio, keep_menu_open = true,
    }
    if node.checked ~= nil then item.checked_func = function() return now().checked == true end end
    if node.items then
        item.sub_item_table_func = guarded(function() return list(now().items) end)
    elseif node.action then
        item.callback = guarded(function(menu)
            shown = menu
            Menu.act(node.action, node.args)
        end)
    end
    return item
end

function list(nodes)
    local items = {}
    for i, node in ipairs(nodes or {}) do items[i] = entry(node) end
    return items
end

--- The entries below "BookLore Sync": the core's, and what one needs when it is out of reach.
Menu.build = guarded(function()
    local items = list(load().items)
    if Core.answered and Memory.get().token then return items end
    table.insert(items, 1, { text = Screen.waitingText(), enabled = false })
    if Spool.error then table.insert(items, 2, { text = Spool.error, enabled = false }) end
    table.insert(items, { text = _("Pair with core…"), keep_menu_open = true, callback = guarded(pair) })
    return items
end)

return Menu
